"""distilabel's TransformersLLM, in turns."""

from __future__ import annotations

import time
from typing import Any

import torch
from distilabel.models.llms import TransformersLLM
from turns import serve

_loaded: dict[str, Any] = {}


def load(model: str) -> Any:
    """Returns the language model of a folder, in fp32."""
    if model not in _loaded:
        llm = TransformersLLM(model=model, torch_dtype="float32", device="cpu")
        llm.load()
        _loaded[model] = llm
    return _loaded[model]


def answer(model: str, threads: int, prompts: list[str], new: int, batch: int) -> dict[str, Any]:
    """Continues each prompt greedily.

    Args:
        batch: prompts in a call of `generate`, as a step's `input_batch_size` would have it; the
            pipeline beneath takes them one by one unless it is told, so it is told.
    """
    torch.set_num_threads(threads)
    llm = load(model)
    llm._pipeline._batch_size = batch
    chats = [[{"role": "user", "content": prompt}] for prompt in prompts]
    texts: list[str] = []
    start = time.perf_counter()
    for at in range(0, len(chats), batch):
        outputs = llm.generate(
            chats[at : at + batch], max_new_tokens=new, do_sample=False, repetition_penalty=1.0
        )
        texts += [output["generations"][0] for output in outputs]
    return {"seconds": time.perf_counter() - start, "texts": texts}


if __name__ == "__main__":
    serve(answer)
