"""`selfspec plan` beside the run that it is about: predicted time, memory and disk.

Each ratio is the smaller of predicted and actual by the larger, so 1 is a perfect prediction and
0.8 one that is 25 % off. The run of 135M takes long: `make bench ARGS=plan:135M` alone does it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speed import Measured
from speed.small_runs import arguments, selfspec

SIZES = {"nano": 48, "15M": 16, "135M": 16}


def measure(models: Sequence[str] = ("nano", "15M")) -> Measured:
    """Plans and runs in turns."""
    ratios, figures = {}, {}
    for model in models:
        size = SIZES[model]
        with tempfile.TemporaryDirectory() as scratch:
            figures[model] = found = _held_against_its_run(Path(scratch), model, size)
        for what in ("seconds", "memory", "disk"):
            predicted, actual = found["predicted"][what], found["actual"][what]
            short = "time" if what == "seconds" else what
            ratios[f"plan_{short}_{model.lower()}"] = min(predicted, actual) / max(
                predicted, actual
            )
    return Measured(ratios, figures)


def _held_against_its_run(place: Path, model: str, size: int) -> dict[str, Any]:
    options = arguments(model, place, size)
    planned = selfspec(place, "plan", *options, "--json")
    run = selfspec(place, "run", *options, "--name", "run")
    files = [file for file in (place / "runs/run").rglob("*") if file.is_file()]
    return {
        "data.size": size,
        "seconds of planning": planned.seconds,
        "predicted": json.loads(planned.text),
        "actual": {
            "seconds": run.seconds,
            "memory": run.megabytes * 2**20,
            "disk": sum(file.stat().st_size for file in files),
        },
    }
