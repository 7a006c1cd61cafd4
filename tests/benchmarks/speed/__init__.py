"""The parts of `make bench`; each module has `measure() -> Measured`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Measured:
    """What a part of the benchmark found.

    Attributes:
        ratios: what is quoted and guarded: rival's time by ours, so more is better (but for the
            ones in `run.COSTS`).
        figures: everything beside it (seconds, bytes, counts), as JSON.
    """

    ratios: dict[str, float]
    figures: dict[str, Any] = field(default_factory=dict)
