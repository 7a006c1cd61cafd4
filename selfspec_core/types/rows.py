"""What is proposed, answered and judged, in the order in which it comes into being."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from selfspec_core.types.kinds import Kind
from selfspec_core.types.record import Record


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
    state: Literal["shipped", "added", "replaced", "unchanged", "removed", "failed"]
    passages: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Example(Record):
    """An instruction with its response: a row of the training set, with its provenance.

    Attributes:
        votes: share of sampled answers that agree with `output`, when answers were sampled.
        shown: ids of the demonstrations in the prompts that `output` was written after.
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
