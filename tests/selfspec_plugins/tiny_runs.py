"""Finished runs on tiny random models, without running anything: a folder as a run leaves it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import tiny_models

WORDS = "rates capital buyer contract Paris aspirin money court price sentence void France".split()


ALPACA = [{"training": {"layout": "alpaca"}}]
"""The layout with two stop strings."""


def _llama(**changes):
    config = tiny_models.config("llama")
    for key, value in changes.items():
        setattr(config, key, value)
    return config


LLAMAS = {
    "plain": _llama,
    "biases": partial(_llama, attention_bias=True, mlp_bias=True),
    "tied": partial(_llama, tie_word_embeddings=True, num_key_value_heads=4),
    "slow rotation": partial(
        _llama,
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 10000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    ),
    "fast rotation": partial(
        _llama, rope_parameters={"rope_type": "default", "rope_theta": 500.0}, rms_norm_eps=1e-3
    ),
    "wide heads": partial(_llama, head_dim=16),
    "padded": partial(_llama, vocab_size=448),
}
"""Configurations of Llamas that differ in what a file has to carry."""


def seed(number: int) -> dict[str, Any]:
    """Returns a seed, one of two tasks."""
    word, other = WORDS[number % len(WORDS)], WORDS[(5 * number + 3) % len(WORDS)]
    return {
        "id": f"s{number}",
        "task": ("topic", "claim")[number % 2],
        "kind": "yesno",
        "instruction": f"Is this about {word}?",
        "input": f"The {other} rose by {number} points after the {word}.",
        "output": ("yes", "no")[number % 3 == 0],
        "choices": ["yes", "no"],
    }


def build(folder: Path, architecture: Any = "llama", tokenizer: Any = None) -> Path:
    """Writes a model, an adapter of it and the run `runs/tiny` that made it; returns the run."""
    base = tiny_models.build(folder / "base", architecture)
    if tokenizer is not None:
        tokenizer.save_pretrained(base)
    return add_run(folder, "tiny", base)


def add_run(
    folder: Path, name: str, base: Path, draw: int = 1, items: int = 0, **lora: Any
) -> Path:
    """Writes a run of a base that is there: an adapter drawn at random, and what names it.

    Args:
        draw: of the adapter's weights.
        items: how many dev and test items of its own it asks, and examples it has accepted.
        lora: changes of the adapter's configuration.
    """
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    run = folder / "runs" / name
    adapter = run / "round-1/adapter"
    adapter.mkdir(parents=True)
    torch.manual_seed(draw)
    hf = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    options = {"r": 4, "target_modules": "all-linear"} | lora
    tuned = get_peft_model(hf, LoraConfig(task_type="CAUSAL_LM", **options))
    with torch.no_grad():
        for key, parameter in tuned.named_parameters():
            if "lora_B" in key:  # PEFT begins with nothing
                parameter.normal_(std=0.2)
    tuned.save_pretrained(adapter, save_embedding_layers=False)
    (adapter / "README.md").unlink()  # an empty form
    seeds = "".join(json.dumps(seed(number)) + "\n" for number in range(24))
    (folder / "seeds.jsonl").write_text(seeds)
    (run / "seeds.jsonl").write_text(seeds)
    request = {"seeds": str(folder / "seeds.jsonl"), "model": str(base), "set": ALPACA}
    sizes = {}
    if items:
        file = folder / f"{name}-items.jsonl"
        file.write_text("".join(json.dumps(item(name, n)) + "\n" for n in range(2 * items)))
        rows = "".join(json.dumps(example(name, n)) + "\n" for n in range(items))
        (run / "round-1/examples.jsonl").write_text(rows)
        request["benchmarks"] = [str(file)]
        sizes = {"examples.jsonl": len(rows.encode())}
    made = {"system": "specialized", "rows": 8, "steps": 2, "tokens": 9, "loss": None}
    commit = {"stage": "specialize", "batch": 0, "trained": made, "sizes": sizes}
    (run / "round-1/commits.jsonl").write_text(json.dumps(commit) + "\n")
    manifest = {
        "created": "2026-01-01T00:00:00+00:00",
        "domain": "adhoc",
        "model": "transformers",
        "state": "finished",
        "seconds": 1.0,
        "chosen_round": 1,
        "request": request,
        "conditions": {},
    }
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


def item(name: str, number: int) -> dict[str, Any]:
    """Returns an item of two yes-or-no tasks; those with even numbers are for dev."""
    found = seed(number // 2) | {"id": f"{name}-{number}", "metric": "accuracy"}
    found["input"] = f"{name} has {number} letters on its desk, each from somebody else."
    return found | {"output": [found["output"]], "split": ("dev", "test")[number % 2]}


def example(name: str, number: int) -> dict[str, Any]:
    """Returns a row that a run has accepted."""
    found = seed(number) | {"id": f"r1-{number}", "round": 1, "batch": number // 4}
    found["input"] = f"In {name} a clerk counted {number} coins before lunch."
    return found
