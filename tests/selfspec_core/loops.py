"""Small runs over rounds with the scripted model, for several tests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run

SMALL = (
    {"data": {"size": 40}, "propose": {"batch": 16}},
    {"evaluation": {"resamples": 100, "dev_per_task": 4, "shots": 0, "controls": ["seeds-only"]}},
)
ROUNDS = {"rounds": {"max": 3, "margin": 0.0}}
RENEW = {"rounds": {"instructions": "renew", "drift": 1.0}}
PREFER = {"preference": {"enabled": True, "samples": 4}}


def request(*extra: dict, **asked) -> Request:
    return Request("finance", model="scripted", set=(*SMALL, *extra), **asked)


def make(path: Path, *extra: dict, asked: Request | None = None) -> Path:
    assembly = assemble(asked or request(*extra), Silent())
    finish(Run.create(path, new_manifest(assembly, {"domain": "finance"})), assembly)
    return path


def finish(run: Run, assembly) -> None:
    try:
        run.manifest["chosen_round"] = run_rounds(run, assembly.parts, assembly.context)
        run.save_manifest()
    finally:
        run.close()


def fingerprint(path: Path) -> dict[str, str]:
    found = sorted(p for p in path.glob("round-*/**/*") if p.is_file())
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def rows(path: Path, number: int, name: str) -> list[dict]:
    file = path / f"round-{number}/{name}.jsonl"
    return [json.loads(line) for line in file.open()] if file.exists() else []


def manifest(path: Path) -> dict:
    return json.loads((path / "manifest.json").read_text())


def scores(path: Path, number: int) -> dict:
    return json.loads((path / f"round-{number}/scores.json").read_text())
