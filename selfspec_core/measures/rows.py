"""What every table of scores is made from: items by task, answers by likelihood, a system's row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from selfspec_core.measures.statistics import Bootstrap, Table
from selfspec_core.types import CLOSED_KINDS, Item, Prediction


def sizes_of(items: Iterable[Item]) -> dict[str, int]:
    """Returns how many items each task has, in the order in which tasks come."""
    return dict(Counter(item.task for item in items))


def with_choices(items: Iterable[Item]) -> list[Item]:
    """Returns the items that can be scored by the likelihood of their choices."""
    return [item for item in items if item.kind in CLOSED_KINDS and item.choices]


def by_likelihood(items: Sequence[Item], rows: Iterable[Prediction]) -> list[Prediction]:
    """Returns one system's answers to `items` with the likeliest choice in place of what was said.

    None where an item has no likelihoods: not every model can, and a part is no score.

    Args:
        items: as `with_choices` returns them.
    """
    known = {item.id for item in items}
    own = [row for row in rows if row.item in known]
    if any(row.likeliest is None for row in own):
        return []
    return [replace(row, parsed=row.likeliest) for row in own]


def score_row(bootstrap: Bootstrap, table: Table) -> dict[str, Any]:
    """Returns one system's score with its interval, as JSON has it."""
    score = asdict(bootstrap.score(table))
    return {"macro": score.pop("value"), **score}
