"""What an evaluation asks, whom, and what it gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from selfspec_core.types.kinds import Kind
from selfspec_core.types.record import Record

if TYPE_CHECKING:
    from selfspec_core.layouts import Layout  # a layout knows of kinds


@dataclass(frozen=True, slots=True)
class Item(Record):
    """A question of an evaluation, with its accepted answers.

    `output` holds alternatives for kinds with one answer. For list kinds it holds the members; a
    member may itself be a tuple of synonyms.
    """

    id: str
    task: str
    kind: Kind
    instruction: str
    input: str
    output: tuple[Any, ...]
    metric: str
    choices: tuple[str, ...] = ()
    split: Literal["dev", "test"] = "test"


@dataclass(frozen=True, slots=True)
class Score:
    """A primary metric with its 95 % interval.

    Attributes:
        value: in [0, 1].
        parsable: share of answers that could be parsed, mean over tasks.
        n: number of items.
    """

    value: float
    low: float
    high: float
    n: int
    parsable: float | None = None
    tasks: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """A named piece of work of a domain.

    Attributes:
        metric: primary metric, a name of `selfspec_core.measures.metrics.METRICS`.
        items: the evaluation items.
    """

    name: str
    kind: Kind
    metric: str
    title: str
    summary: str
    choices: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class System:
    """Something to be evaluated, `name@shots` in tables.

    Attributes:
        adapter: folder of the adapter, or None for the base.
        layout: how prompts are written.
        shots: demonstrations in a prompt, drawn from the seeds of the item's task.
        demo_sets: how many draws of demonstrations to ask with.
        passages: how many retrieved passages stand before the input.
    """

    name: str
    layout: Layout
    adapter: Path | None = None
    shots: int = 0
    demo_sets: int = 1
    passages: int = 0


@dataclass(frozen=True, slots=True)
class Prediction(Record):
    """What a system said to an item.

    Attributes:
        text: the raw answer.
        parsed: what the lenient parser read out of it, or None: not parsable.
        demo_set: which set of demonstrations was shown.
        likeliest: for closed kinds, the choice of the highest likelihood.
    """

    system: str
    item: str
    text: str
    parsed: Any = None
    demo_set: int = 0
    likeliest: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the row; an empty list that was parsed is not the same as nothing parsed."""
        row = Record.to_dict(self)
        return row if self.parsed is None else {**row, "parsed": self.parsed}
