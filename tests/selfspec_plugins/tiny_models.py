"""Tiny random models in a folder, for tests: nothing is downloaded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

TEXTS = [
    "### Instruction:\nName the capital.\n\n### Input:\nFrance\n\n### Response:\nParis",
    "Task: Is the sentence about money?\nText: Rates rose by 25 basis points.\nAnswer: yes",
    "The court held that the contract was void, so the buyer got the price back.",
    "Aspirin inhibits platelet aggregation; warfarin does not.",
]
ARCHITECTURES = ("llama", "gpt2", "qwen2")


@cache
def tokenizer(*, metaspace: bool = False) -> Any:
    """Returns a BPE tokenizer of 384 tokens, trained on `TEXTS`.

    Args:
        metaspace: mark spaces as SentencePiece does, rather than work on bytes.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    if metaspace:
        raw.pre_tokenizer, raw.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    else:
        raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=384,
        special_tokens=["<|end|>"],
        initial_alphabet=[] if metaspace else pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>", bos_token="<|end|>")


def config(architecture: str) -> Any:
    """Returns the configuration of a two-layer model of width 32."""
    from transformers import GPT2Config, LlamaConfig, Qwen2Config

    end = {"bos_token_id": 0, "eos_token_id": 0, "vocab_size": len(tokenizer())}
    if architecture == "gpt2":
        return GPT2Config(n_layer=2, n_embd=32, n_head=4, n_positions=256, **end)
    cls = LlamaConfig if architecture == "llama" else Qwen2Config
    return cls(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        **end,
    )


def build(folder: Path, architecture: Any = "llama") -> Path:
    """Writes a random model of `architecture`, a name or a configuration, into `folder`."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    named = isinstance(architecture, str)
    model = AutoModelForCausalLM.from_config(config(architecture) if named else architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:  # far from uniform, so that the best token is no near-tie
                parameter.mul_(3.0)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder
