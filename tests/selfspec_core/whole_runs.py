"""Whole runs with the scripted model, for tests of what a run leaves behind."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from selfspec_core.assembly.assemble import Assembly, assemble
from selfspec_core.assembly.request import Request
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run

SMALL = ({"data": {"size": 60}}, {"propose": {"batch": 16}}, {"evaluation": {"resamples": 100}})


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


def make(path: Path, *extra: dict, request: Request | None = None) -> Run:
    """Makes a run from its start to its end."""
    request = request or Request("finance", model="scripted", set=(*SMALL, *extra))
    assembly = assemble(request, Silent())
    run = Run.create(path, new_manifest(assembly, {"domain": request.domain}))
    finish(run, assembly)
    return run


def finish(run: Run, assembly: Assembly) -> None:
    """Takes a run to its end, or to where it is killed."""
    try:
        run_rounds(run, assembly.parts, assembly.context)
    finally:
        run.close()


def fingerprint(run_path: Path) -> dict[str, str]:
    """Hashes of everything a run promises to reproduce."""
    files = sorted(p for p in (run_path / "round-1").rglob("*") if p.is_file())
    return {str(p.relative_to(run_path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows(path: Path, name: str) -> list[dict]:
    """Returns the rows of a journal of the first round."""
    return [json.loads(line) for line in (path / "round-1" / f"{name}.jsonl").open()]
