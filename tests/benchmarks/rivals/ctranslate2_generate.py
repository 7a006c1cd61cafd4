"""ctranslate2's Generator, in turns: converts a model at the first question about it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import ctranslate2
from turns import serve

_loaded: dict[tuple[str, str], Any] = {}


def load(model: str, precision: str, threads: int) -> Any:
    """Returns the generator of a model folder at a precision."""
    key = (model, precision)
    if key not in _loaded:
        out = Path(model) / f"ctranslate2-{precision}"
        if not out.is_dir():
            converter = ctranslate2.converters.TransformersConverter(model)
            converter.convert(str(out), quantization=precision)
        _loaded[key] = ctranslate2.Generator(
            str(out), device="cpu", compute_type=precision, intra_threads=threads, inter_threads=1
        )
    return _loaded[key]


def answer(
    model: str,
    precision: str,
    threads: int,
    shared: list[str],
    tails: list[list[str]],
    new: int,
    batch: int,
    static: bool,
) -> dict[str, Any]:
    """Continues each row of tokens greedily.

    Args:
        shared: tokens that all rows begin with; given as a static prompt, whose state is kept, if
            `static`.
        batch: rows in a batch.
    """
    generator = load(model, precision, threads)
    prompts = tails if static else [shared + tail for tail in tails]
    options = {"static_prompt": shared, "cache_static_prompt": True} if static else {}
    start = time.perf_counter()
    results = generator.generate_batch(
        prompts,
        max_batch_size=batch,
        max_length=new,
        sampling_topk=1,
        include_prompt_in_result=False,
        **options,
    )
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "ids": [result.sequences_ids[0] for result in results]}


if __name__ == "__main__":
    serve(answer)
