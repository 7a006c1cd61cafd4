"""Where the time of a whole run goes: `make run` on nano, and the shape of a run on 135M.

Both ratios are shares: of the time after imports and loading, what is spent inside model calls.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from speed import Measured
from speed.small_runs import arguments, selfspec, shown

LARGE, SIZE = "135M", 64
"""A larger model and how many examples it makes: the shape of real use."""


def measure(models: Sequence[str] = ("nano", LARGE)) -> Measured:
    """Runs each once; each breakdown is as `selfspec show` prints it."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        found = {
            name: _broken_down(
                place,
                name,
                arguments(name, place, SIZE) if name == LARGE else ["--domain", "finance"],
            )
            for name in models
        }
    ratios = {
        f"inside_model_calls_{name.lower()}": 1 - one["outside_share"]
        for name, one in found.items()
    }
    return Measured(ratios, {f"run of {name}": one for name, one in found.items()})


def _broken_down(place: Path, name: str, options: list[str]) -> dict[str, Any]:
    run = selfspec(place, "run", *options, "--name", name)
    summary = shown(place, name)
    [one] = summary["rounds"]
    return {
        "seconds": summary["seconds"],
        "megabytes": run.megabytes,
        "proposed": one["proposed"],
        "accepted": one["accepted"],
        **summary["time"],
    }
