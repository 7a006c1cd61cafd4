"""When two answers to one question say the same, and which of several has the most behind it.

Self-consistency (Wang et al., https://arxiv.org/abs/2203.11171) counts equal answers. What counts
as equal depends on the kind: choices and numbers are compared as they are read, lists as sets, and
open answers, which are rarely worded alike, by the words they share.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any

from selfspec_core.measures.parsing import parse
from selfspec_core.measures.scoring import folded, overlap, squad
from selfspec_core.types import CLOSED_KINDS, LIST_KINDS, Kind

SAME_WORDS = 0.7
"""Token F1 (SQuAD) from which two open answers say the same."""
_TOLERANCE = 1e-3


def read(kind: Kind, text: str, choices: Sequence[str] = ()) -> Any:
    """Returns an answer in the form in which it is compared, or None if there is none in it."""
    parsed = parse(kind, text, choices)
    if parsed is None:
        return None
    if kind in LIST_KINDS:
        return frozenset(map(folded, parsed))
    if kind in CLOSED_KINDS and choices:
        return parsed  # as `choices` spells it: of the choice "A" `squad` would leave nothing
    return squad(parsed) or None if isinstance(parsed, str) else parsed


def same(kind: Kind, one: Any, other: Any) -> bool:
    """Says whether two answers, as `read` gives them, say the same; what cannot be read does not.

    Open answers do from a token F1 of `SAME_WORDS`, so this is no equivalence: a may say the same
    as b and b as c, but a not as c.
    """
    if one is None or other is None:
        return False
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=_TOLERANCE)
    if kind in ("open_qa", "extractive_qa", "summarization"):
        return one == other or overlap(one.split(), other.split()) >= SAME_WORDS
    return bool(one == other)


def elected(kind: Kind, answers: Sequence[Any]) -> tuple[int, float]:
    """Returns the place of the answer that most others agree with, and the share that does.

    Of answers with equal support the first. An unreadable answer is elected only where there is no
    other, and it counts in every share: who cannot be read abstains.

    Args:
        answers: as `read` gives them, at least one.
    """
    counts = support(kind, answers)
    place = counts.index(max(counts))
    return place, counts[place] / len(answers)


def support(kind: Kind, answers: Sequence[Any]) -> list[int]:
    """Returns with how many of the answers each one agrees, itself among them; unreadable: 0."""
    return [sum(same(kind, one, other) for other in answers) for one in answers]
