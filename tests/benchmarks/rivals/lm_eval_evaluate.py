"""lm-eval's evaluator on local tasks, in turns; what it asks about is loaded at the first one."""

from __future__ import annotations

import time
from typing import Any

import torch
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager, get_task_dict
from turns import serve

_models: dict[tuple[str, int], Any] = {}


def answer(model: str, tasks: str, task: str, batch: int, threads: int) -> dict[str, Any]:
    """Evaluates a model on a task of a folder.

    Returns:
        The seconds of the evaluation without any loading, and per item the prompt as the model
        saw it, what came of it and its score.
    """
    torch.set_num_threads(threads)
    if (model, batch) not in _models:
        _models[model, batch] = HFLM(
            pretrained=model, device="cpu", dtype="float32", batch_size=batch
        )
    manager = TaskManager(include_path=tasks, include_defaults=False)
    loaded = get_task_dict([task], manager)
    start = time.perf_counter()
    result = evaluate(_models[model, batch], loaded, log_samples=True, bootstrap_iters=0)
    seconds = time.perf_counter() - start
    samples = sorted(result["samples"][task], key=lambda sample: sample["doc_id"])
    return {
        "seconds": seconds,
        "prompts": [sample["arguments"][0][0] for sample in samples],
        "responses": [sample["filtered_resps"] for sample in samples],
        "scores": [sample.get("acc", sample.get("exact_match")) for sample in samples],
    }


if __name__ == "__main__":
    serve(answer)
