"""Two rounds and pairs on a real model: the tuned one answers again; a kill changes nothing."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_models

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.journals import RoundFolder
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run

WORDS = (
    "copper wheat gas sugar cotton nickel rubber cocoa coffee zinc barley tin maize silver oats "
    "rice lumber palladium soy canola lean cattle ethanol gold iron coal wool tea salt jute"
).split()


def request(folder: Path) -> Request:
    """Proposals from a script, so that some pass; tuning and answering again on a tiny model."""
    script = folder / "script.jsonl"
    lines = [
        {
            "instruction": f"Name the metal of lot {n}.",
            "input": f"{' '.join(random.Random(n).sample(WORDS, 9))} trader bought at {n + 3}.",
            "output": random.Random(n).choice(WORDS),
        }
        for n in range(24)
    ]
    script.write_text("\n".join(map(json.dumps, lines)))
    tiny = folder / "model"
    if not tiny.exists():
        tiny_models.build(tiny)
    return Request(
        "finance",
        set=(
            {"model": {"name": "scripted", "path": str(script)}, "data": {"size": 8}},
            {"propose": {"batch": 8, "generator": "self_instruct", "limit": 4}},
            {"filters": {"order": ["well_formed"]}, "answer": {"max_new_tokens": 1}},
            {"training": {"model": str(tiny), "lr": 0.01, "batch": 8, "epochs": 1}},
            {"training": {"max_tokens": 96}, "rounds": {"max": 2, "margin": 0.0}},
            {"evaluation": {"shots": 0, "controls": [], "max_new_tokens": 2, "resamples": 100}},
            {"preference": {"enabled": True, "samples": 8, "min_share": 0.0, "epochs": 1}},
            {"preference": {"sampler": "specialist"}},
        ),
    )


def go(folder: Path, run: Run) -> Run:
    assembly = assemble(request(folder), Silent())
    own, *_ = assembly.parts.sets
    few = [item for split in ("dev", "test") for item in own.split(split)[:6]]
    parts = replace(assembly.parts, sets=[replace(own, items=tuple(few))])
    try:
        run_rounds(run, parts, assembly.context)
    finally:
        run.close()
    return run


def fingerprint(path: Path) -> dict[str, str]:
    found = sorted(p for p in path.glob("round-*/**/*") if p.is_file())
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


class Killed(BaseException):
    """Stands for a kill."""


def test_two_rounds_with_pairs_and_the_same_bytes_after_a_kill(tmp_path, monkeypatch):
    whole = go(tmp_path, Run.create(tmp_path / "whole", {}))
    first, second = (
        json.loads((whole.path / f"round-{n}/scores.json").read_text()) for n in (1, 2)
    )
    assert first["dev"] is not None and second["dev_gain"]["over"] == "round 1"
    assert (first["sets"] == {}) != (second["sets"] == {})
    assert first["pairs"] == first["training"]["preferred"]["rows"] > 0
    again = [json.loads(line) for line in (whole.path / "round-2/examples.jsonl").open()]
    assert again and not any(row.get("shown") for row in again)

    real = RoundFolder.commit
    for number, stage in ((1, "pairs"), (2, "evaluate")):
        path = tmp_path / f"killed-{number}-{stage}"

        def commit(self, what, *args, number=number, stage=stage, **notes):
            if (self.path.name, what) == (f"round-{number}", stage):
                raise Killed
            real(self, what, *args, **notes)

        with monkeypatch.context() as patch:
            patch.setattr(RoundFolder, "commit", commit)
            with pytest.raises(Killed):
                go(tmp_path, Run.create(path, {"conditions": {}}))
        run = Run(path, write=True)
        run.manifest = json.loads((path / "manifest.json").read_text())
        go(tmp_path, run)
        assert fingerprint(path) == fingerprint(whole.path), path.name


def test_a_model_is_the_same_with_an_adapter_on(tiny, tmp_path):
    from tiny_training import context, rows

    from selfspec_plugins.training.lora_trainer import LoraTrainer

    model = tiny()
    model.release_adapters()
    before = model.describe()
    adapter = LoraTrainer().train(rows(4), tmp_path, context(model), steps=1)
    model.use_adapter(adapter.path)
    assert model.describe() == before
    model.use_adapter(None)
    assert model.describe() == before
