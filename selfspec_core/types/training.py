"""What a trainer is given, and what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from selfspec_core.types.rows import Example, Seed


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What a trainer is to make an adapter of.

    Attributes:
        rows: what to train on; already screened by the firewall.
        out: an empty folder.
        steps: optimizer steps to take, cycling over the rows; None for the set epochs.
    """

    rows: Sequence[Seed | Example]
    out: Path
    steps: int | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """Weights that a round produced, and what it cost.

    Attributes:
        path: folder that holds a plain PEFT adapter (or whatever the model backend saved).
        steps: optimizer steps taken.
        tokens: response tokens that the loss was computed on, over all epochs.
        loss: mean training loss of the first and of the last tenth of the steps.
    """

    path: Path
    rows: int = 0
    steps: int = 0
    tokens: int = 0
    loss: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns what it cost: all but where it lies, which is another place on every machine."""
        row = asdict(self)
        del row["path"]
        return row
