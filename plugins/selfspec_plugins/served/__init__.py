"""Models behind an OpenAI-compatible server: vLLM, SGLang, TGI, llama.cpp, Ollama and others."""
