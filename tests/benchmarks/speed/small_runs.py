"""Runs of models that are larger than nano, small enough to be done in minutes.

A random model writes nothing that a filter would keep, so there is none: the run takes the time of
one whose proposals are all kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from speed.models import folder, quiet_threads
from speed.peak import launched

ITEMS = 1
"""Items of a task."""


@dataclass
class Finished:
    """A command that has ended: what it printed, wall seconds, and megabytes at most."""

    text: str
    seconds: float
    megabytes: float


def arguments(model: str, place: Path, size: int) -> list[str]:
    """Returns the options of `run` and `plan` for a model of `speed.models`."""
    if model == "nano":
        return ["--domain", "finance", "--set", f"data.size={size}"]
    seeds = str(resources.files("selfspec_seeds") / "finance.jsonl")
    settings = (
        f"data.size={size}",
        "data.short_seeds=true",
        "filters.order=[]",
        "propose.generator=answer_first",
        'propose.preface=""',
        f"propose.batch={max(4, size // 8)}",
        "propose.max_new_tokens=40",
        "answer.max_new_tokens=24",
        "training.batch=4",
        "training.epochs=1",
        "evaluation.max_new_tokens=24",
        "evaluation.demo_sets=1",
    )
    given = ["--seeds", seeds, "--benchmark", str(_items(place)), "--model", str(folder(model))]
    return given + [word for setting in settings for word in ("--set", setting)]


def _items(place: Path) -> Path:
    """Writes the first short items of each task of finance."""
    file = place / "items.jsonl"
    tasks = resources.files("selfspec_finance") / "tasks"
    lines = []
    for task in sorted(tasks.iterdir(), key=lambda one: one.name):
        if task.name.endswith(".jsonl"):
            rows = [json.loads(line) for line in task.read_text(encoding="utf-8").splitlines()]
            short = [row for row in rows if len(row["input"].split()) <= 40 and "output" in row]
            lines += [row | {"split": "test"} for row in short[:ITEMS]]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def selfspec(place: Path, *words: str) -> Finished:
    """Calls the command line in a folder.

    Raises:
        RuntimeError: with the end of what it said, if it failed.
    """
    command = [sys.executable, "-m", "selfspec_core", *words]
    environment = quiet_threads()
    began = time.perf_counter()
    with (place / "said").open("w+b") as out, (place / "errors").open("w+b") as errors:
        own = launched(str(place / "megabytes"), command)
        process = subprocess.run(own, cwd=place, env=environment, stdout=out, stderr=errors)
        seconds = time.perf_counter() - began
        out.seek(0)
        errors.seek(0)
        text, why = out.read().decode(), errors.read().decode()
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{why[-2000:]}")
    return Finished(text, seconds, float((place / "megabytes").read_text()))


def shown(place: Path, name: str) -> dict[str, Any]:
    """Returns what `selfspec show` says of a run."""
    found: dict[str, Any] = json.loads(selfspec(place, "show", name, "--json").text)
    return found
