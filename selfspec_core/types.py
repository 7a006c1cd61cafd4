"""The data that flows through a run, in the order in which it comes into being."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from sys import intern
from typing import Any, Literal, Self, get_args

from selfspec_core.layouts import Layout

Kind = Literal[
    "classification",
    "multilabel",
    "multiple_choice",
    "yesno",
    "ner",
    "relation",
    "extractive_qa",
    "list_qa",
    "open_qa",
    "numeric",
    "entailment",
    "summarization",
]
"""What a task asks for; fixes how answers are parsed and which metric is primary."""

KINDS: tuple[Kind, ...] = get_args(Kind)
CLOSED_KINDS = frozenset({"classification", "yesno", "entailment", "multiple_choice"})
"""Kinds whose answer is one of a fixed set of choices."""

LIST_KINDS = frozenset({"ner", "relation", "list_qa", "multilabel"})
"""Kinds whose answer is a set of strings."""


class Record:
    """A row that journals can hold: plain fields, to and from a dict."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the row as plain JSON values, empty optional fields left out."""
        return {key: value for key, value in asdict(self).items() if value not in (None, (), [])}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Builds the row again from `to_dict`'s value; unknown keys are ignored."""
        names = _names(cls)  # type: ignore[arg-type]
        return cls(**{key: _shared(key, row[key]) for key in names & row.keys()})


_SAID_OFTEN = frozenset(("task", "kind", "instruction"))


def _shared(key: str, value: Any) -> Any:
    """Returns an equal value; what many rows say is one object in memory. Lists become tuples."""
    if type(value) is list:
        try:
            return _one(tuple(value))
        except TypeError:  # not of texts alone
            return tuple(value)
    return intern(value) if key in _SAID_OFTEN and type(value) is str else value


@lru_cache(256)
def _one(values: tuple[str, ...]) -> tuple[str, ...]:
    """Returns an equal tuple, the same object as long as it keeps coming back."""
    return tuple(map(intern, values))


@cache
def _names(cls: type) -> frozenset[str]:
    return frozenset(f.name for f in fields(cls))


@dataclass(frozen=True, slots=True)
class Seed(Record):
    """A demonstration written by a person."""

    id: str
    task: str
    kind: Kind
    instruction: str
    input: str
    output: str
    choices: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Instruction(Record):
    """A proposed piece of work, without its response.

    Attributes:
        id: `r<round>-<batch>-<row>`, unique in a round; a later one that answers again keeps it.
        task: the task it was proposed for, taken from the demonstrations it was shown.
        label: the response fixed before the input was written (`label_first`), or None.
        shown: ids of the demonstrations in the prompt.
        text: what the model wrote, kept only when it could not be parsed.
        written_from: id of the passage that it was written from, or None.
    """

    id: str
    task: str
    kind: Kind
    instruction: str
    input: str
    round: int
    batch: int
    choices: tuple[str, ...] = ()
    label: str | None = None
    shown: tuple[str, ...] = ()
    text: str | None = None
    written_from: str | None = None


@dataclass(frozen=True, slots=True)
class Passage(Record):
    """A retrieved piece of domain knowledge."""

    id: str
    text: str
    source: str
    score: float = 0.0

    @property
    def line(self) -> str:
        """The text on one line, as prompts show it: its lines cannot pass for entries of ours."""
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class Indexed(Record):
    """A file that a retriever was given, and what became of it.

    Attributes:
        passages: how many it gave.
        problem: for a file that failed, one line that names it and says why.
    """

    path: str
    state: Literal["shipped", "added", "replaced", "unchanged", "failed"]
    passages: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Example(Record):
    """An instruction with its response: a row of the training set, with its provenance.

    Attributes:
        votes: share of sampled answers that agree with `output`, when answers were sampled.
        passages: ids of the passages shown while answering.
        written_from: id of the passage that the instruction was written from, or None.
    """

    id: str
    task: str
    kind: Kind
    instruction: str
    input: str
    output: str
    round: int
    batch: int
    choices: tuple[str, ...] = ()
    label: str | None = None
    votes: float | None = None
    shown: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    written_from: str | None = None


@dataclass(frozen=True, slots=True)
class Pair(Record):
    """Two answers of the model's own to one instruction, one of them better.

    Attributes:
        id: the example's.
        sort: what makes it better: `majority`, or the filter that keeps one and rejects the other.
        votes: share of the sampled answers that agree with `chosen`.
        rejected_votes: the same of `rejected`.
        evidence: the filter's, about `rejected`.
    """

    id: str
    task: str
    kind: Kind
    instruction: str
    input: str
    chosen: str
    rejected: str
    sort: str
    votes: float
    rejected_votes: float
    round: int
    batch: int
    choices: tuple[str, ...] = ()
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A filter's answer about one candidate.

    Attributes:
        reason: a short fixed phrase for a rejection, so that rejections can be counted.
        evidence: what shows it: the neighbour's id, the offending text, the vote.
    """

    keep: bool
    reason: str = ""
    evidence: str = ""


KEEP = Verdict(True)


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
