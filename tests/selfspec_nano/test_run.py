"""A small real run on the embedded model: real generation, training and evaluation."""

from __future__ import annotations

import json
from pathlib import Path

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run


def test_small_run_on_nano(tmp_path: Path, looked_up: list[str]) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    settings = (
        {"data": {"size": 24}, "propose": {"limit": 20, "batch": 8}},
        {"training": {"epochs": 1}},
        {"evaluation": {"shots": 2, "demo_sets": 1, "max_new_tokens": 8, "resamples": 100}},
    )
    assembly = assemble(Request("finance", set=settings), Silent())
    run = Run.create(tmp_path / "run", {})
    run_rounds(run, assembly.parts, assembly.context)
    run.close()

    scores = json.loads((run.path / "round-1/scores.json").read_text())
    assert scores["accepted"] == 24
    assert scores["training"]["specialized"]["steps"] == 30  # 24 examples + 96 seeds, 4 a step
    systems = scores["sets"]["finance"]["systems"]
    assert systems["specialized@0"]["parsable"] > systems["base@0"]["parsable"]
    assert looked_up == []  # nobody outside was asked, nor told
    weights = assembly.context.model.settings.path
    base = AutoModelForCausalLM.from_pretrained(weights)
    assert PeftModel.from_pretrained(base, run.path / "round-1/adapter")
