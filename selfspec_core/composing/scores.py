"""Scores of a composition: every system on the items of every field, and on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from selfspec_core.components import Context
from selfspec_core.measures.rows import by_likelihood, score_row, with_choices
from selfspec_core.measures.statistics import Bootstrap, Counts, Table, conclusion, macro, tabulate
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.types import Item, Prediction

Said = Mapping[str, Mapping[str, Sequence[Prediction]]]
"""What was said, by system and field."""

ALL = "all"
"""Every field's tasks side by side, named FIELD/TASK."""


def score(
    sets: Mapping[str, EvaluationSet], said: Said, ours: str, context: Context, split: str = "test"
) -> dict[str, Any]:
    """Returns scores by field and over all of them, with the gains of one system over each other.

    Args:
        sets: by field.
        ours: the system whose gains are reported.
    """
    items = {field: one.split(split) for field, one in sets.items()}
    closed = {field: with_choices(own) for field, own in items.items()}
    weighed = {
        system: {field: by_likelihood(closed[field], rows) for field, rows in fields.items()}
        for system, fields in said.items()
    }
    weighed = {  # not every model can
        system: fields
        for system, fields in weighed.items()
        if all(fields[field] for field, own in closed.items() if own)
    }
    result = _measured(items, said, ours, context)
    if likely := _measured(closed, weighed, ours, context):
        result["likelihood"] = likely
    return result


def overall(
    sets: Mapping[str, EvaluationSet],
    said: Mapping[str, Sequence[Prediction]],
    context: Context,
    split: str,
) -> float:
    """Returns one system's macro score over the tasks of all fields."""
    items = {field: one.split(split) for field, one in sets.items() if one.split(split)}
    return macro(_side_by_side(items, said, context)[0])


def _measured(
    items: Mapping[str, Sequence[Item]], said: Said, ours: str, context: Context
) -> dict[str, Any]:
    """Returns the tables of each field that has items, and of all; empty without any."""
    there = {field: own for field, own in items.items() if own}
    if not there or ours not in said:
        return {}
    tables = {field: _table({field: own}, said, ours, context) for field, own in there.items()}
    return {"fields": tables, ALL: _table(there, said, ours, context)}


def _table(
    items: Mapping[str, Sequence[Item]], said: Said, ours: str, context: Context
) -> dict[str, Any]:
    """Returns every system's score and the paired gains of ours on the tasks of some fields."""
    tables: dict[str, Table] = {}
    for system, fields in said.items():
        tables[system], bootstrap = _side_by_side(items, fields, context)
    systems = {system: score_row(bootstrap, table) for system, table in tables.items()}
    gains = {}
    for other in (system for system in tables if system != ours):
        gain = bootstrap.gain(tables[ours], tables[other])
        verdict = conclusion(gain, min(bootstrap.task_sizes.values()))
        gains[f"{ours} - {other}"] = {**asdict(gain), "verdict": verdict}
    return {"systems": systems, "gains": gains, "sizes": bootstrap.task_sizes}


def _side_by_side(
    items: Mapping[str, Sequence[Item]], said: Mapping[str, Sequence[Prediction]], context: Context
) -> tuple[Table, Bootstrap]:
    """Returns a system's counts on the tasks of all fields, and the resamples for them."""
    table: dict[str, Counts] = {}
    for field, own in items.items():
        known = {item.id for item in own}
        counts = tabulate(own, [p for p in said[field] if p.item in known])
        table |= {f"{field}/{task}": one for task, one in counts.items()}
    sizes = {task: counts.values.shape[1] for task, counts in table.items()}
    settings = context.settings
    return table, Bootstrap(sizes, settings.evaluation.resamples, settings.random_seed)
