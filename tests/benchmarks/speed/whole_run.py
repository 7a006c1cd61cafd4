"""Where the time of a whole run goes: `make run` on nano, and the shape of a run on 135M.

Both ratios are shares: of the time after imports and loading, what is spent inside model calls.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from speed import Measured
from speed.small_runs import arguments, selfspec, shown

LARGE, SIZE = "135M", 16
"""A larger model and how many examples it makes: enough to see the shape in minutes."""


def measure() -> Measured:
    """Runs both once; each breakdown is as `selfspec show` prints it."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        found = {
            "nano": _broken_down(place, "nano", ["--domain", "finance"]),
            LARGE: _broken_down(place, LARGE, arguments(LARGE, place, SIZE)),
        }
    ratios = {
        f"inside_model_calls_{name.lower()}": 1 - one["outside_share"]
        for name, one in found.items()
    }
    return Measured(ratios, {"runs": found, f"data.size of {LARGE}": SIZE})


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
