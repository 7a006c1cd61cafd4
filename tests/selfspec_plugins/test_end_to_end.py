"""Proposals from a script, then real training and evaluation: nothing is one model's alone."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import tiny_models

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run

WORDS = (
    "copper wheat gas sugar cotton nickel rubber cocoa coffee zinc barley tin maize silver oats "
    "rice lumber palladium soy canola lean cattle ethanol gold iron coal wool tea salt jute"
).split()
SCRIPT = [
    {
        "instruction": f"Say whether the {WORDS[n]} trade made money.",
        "input": f"{' '.join(random.Random(n).sample(WORDS, 9))} trader bought at {n + 3}.",
        "output": random.Random(n).choice(["yes", "no"]),
    }
    for n in range(24)
]


def _seeds(path: Path) -> str:
    rows = [
        {
            "id": f"s{n}",
            "task": "profit",
            "kind": "yesno",
            "instruction": "Did the fund gain?",
            "input": f"The fund {verb} {n + 2} percent in {month}.",
            "output": answer,
            "choices": ["yes", "no"],
        }
        for n, (verb, answer, month) in enumerate(
            (verb, answer, month)
            for verb, answer in (("won", "yes"), ("shed", "no"))
            for month in ("May", "June", "July", "August")
        )
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def _benchmark(path: Path) -> str:
    rows = [
        {
            "id": f"i{n}",
            "task": "gain",
            "instruction": "Up on the day?",
            "input": f"Shares of firm {n} went {way}.",
            "output": [answer],
            "choices": ["yes", "no"],
            "metric": "accuracy",
        }
        for n, (way, answer) in enumerate([("up", "yes"), ("down", "no")] * 4)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_scripted_proposals_train_a_real_model(architecture: str, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    folder = tiny_models.build(tmp_path / architecture, architecture)
    other = tiny_models.build(tmp_path / "another", architecture)
    script = tmp_path / "script.jsonl"
    script.write_text("\n".join(map(json.dumps, SCRIPT)))
    settings = (
        {"model": {"name": "scripted", "path": str(script)}},
        {"data": {"size": 8}, "propose": {"batch": 8}},
        {"training": {"model": str(folder), "lr": 0.01, "batch": 4, "epochs": 3}},
        {"evaluation": {"shots": 1, "demo_sets": 2, "max_new_tokens": 4, "resamples": 100}},
    )
    request = Request(
        None,
        seeds=_seeds(tmp_path / "seeds.jsonl"),
        benchmarks=(_benchmark(tmp_path / "bench.jsonl"),),
        set=settings,
        baselines=(str(other),),
    )
    assembly = assemble(request, Silent())
    run = Run.create(tmp_path / "run", {})
    run_rounds(run, assembly.parts, assembly.context)
    run.close()

    scores = json.loads((run.path / "round-1/scores.json").read_text())
    training = scores["training"]
    assert scores["accepted"] == 8 and training["specialized"]["rows"] == 16
    assert training["specialized"]["steps"] == 12
    assert training["seeds-only"]["steps"] == 6
    assert training["seeds-only-long"]["steps"] == 12
    assert training["specialized"]["loss"][1] < training["specialized"]["loss"][0]
    own = scores["sets"]["bench"]
    assert own["systems"]["specialized@0"]["n"] == 8
    assert set(own["likelihood"]["systems"]) == set(own["systems"])
    assert {"another@0", "another@1"} < set(own["systems"])
    assert scores["collateral"]["general"]["test"]["n"] == 84
    models = (assembly.parts.training_model, assembly.parts.baselines[0].model)
    assert all(model.hf is None for model in models)  # each has made room for the next
    base = AutoModelForCausalLM.from_pretrained(folder)
    assert PeftModel.from_pretrained(base, run.path / "round-1/adapter")
