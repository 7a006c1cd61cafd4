"""What a specialist loses elsewhere: on items of other domains, and on everyday ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

from selfspec_core.components import Context
from selfspec_core.journals import RoundFolder
from selfspec_core.measures.statistics import macro, tabulate
from selfspec_core.stages.asking import EvaluationSet, ask, bootstrap
from selfspec_core.types import System

PREFIX = "collateral/"
"""Stands before the name of such a set in predictions.jsonl."""


def collateral(
    folder: RoundFolder,
    base: System,
    ours: System,
    sets: Iterable[EvaluationSet],
    context: Context,
    splits: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Asks base and specialist the items of other fields.

    Returns:
        By name of the field and by split: the paired gain of the specialist over the base with its
        interval, both scores, and the number of items. Dev is for deciding when to stop.
    """
    found = {}
    for one in sets:
        parts = {split: replace(one, items=tuple(one.split(split))) for split in splits}
        found[one.name.removeprefix(PREFIX)] = {
            split: _gain(folder, base, ours, part, context)
            for split, part in parts.items()
            if part.items
        }
    return found


def _gain(
    folder: RoundFolder, base: System, ours: System, asked: EvaluationSet, context: Context
) -> dict[str, Any]:
    table, other = (
        tabulate(asked.items, ask(folder, system, asked, _without_likelihood(context)))
        for system in (ours, base)
    )
    weigh = bootstrap(asked.items, context)
    scores = {system.name: macro(t) for system, t in ((base, other), (ours, table))}
    return {
        **asdict(weigh.gain(table, other)),
        "n": len(asked.items),
        "systems": scores,
        "sizes": weigh.task_sizes,
    }


def _without_likelihood(context: Context) -> Context:
    """Returns the context with a setting less: what is weighed by likelihood is not shown here."""
    settings = context.settings
    evaluation = settings.evaluation.model_copy(update={"likelihood": False})
    return replace(context, settings=settings.model_copy(update={"evaluation": evaluation}))
