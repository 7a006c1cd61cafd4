"""Asking a system a set of items, once: what it said is in the journal afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from selfspec_core.components import Context, Evaluator
from selfspec_core.journals import RoundFolder
from selfspec_core.layouts import LAYOUTS
from selfspec_core.measures.rows import sizes_of
from selfspec_core.measures.statistics import Bootstrap, macro, tabulate
from selfspec_core.stages.chain import decided
from selfspec_core.types import Item, Prediction, System

STAGE = "evaluate"


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Items that are reported together, and the evaluator that asks them."""

    name: str
    items: tuple[Item, ...]
    evaluator: Evaluator

    def split(self, name: str) -> list[Item]:
        """Returns the items of a split."""
        return [item for item in self.items if item.split == name]


def ask(
    folder: RoundFolder, system: System, asked: EvaluationSet, context: Context, **notes: Any
) -> list[Prediction]:
    """Asks a system a set, or reads what it said before the run was interrupted.

    Args:
        notes: what the commit says beside it.
    """
    if not asked.items:
        return []
    dev = all(item.split == "dev" for item in asked.items)
    key = f"{asked.name}/{system.name}" + "/dev" * dev
    if any(c["stage"] == STAGE and c["asked"] == key for c in folder.commits):
        return said(folder, system.name, asked)
    context.model.use_adapter(system.adapter)
    total = len(asked.items) * system.demo_sets
    try:
        with context.progress.stage(f"evaluate {key}", total, "items"):
            predictions = asked.evaluator.evaluate(asked.items, system, context)
    finally:
        context.model.use_adapter(None)
    rows = [{"set": asked.name, **prediction.to_dict()} for prediction in predictions]
    folder.commit(
        STAGE, folder.done(STAGE), {"predictions": rows}, asked=key, **notes, **decided(context)
    )
    return predictions


def said(folder: RoundFolder, system: str, asked: EvaluationSet) -> list[Prediction]:
    """Returns what the journal has of a system about the items of a set."""
    known = {item.id for item in asked.items}
    return [
        Prediction.from_dict(row)
        for row in folder.read("predictions")
        if row["set"] == asked.name and row["system"] == system and row["item"] in known
    ]


def choose_layout(
    folder: RoundFolder, model: str, own: EvaluationSet, context: Context, **notes: Any
) -> tuple[str, dict[str, float]]:
    """Returns the layout in which a model does best on dev, and every layout's score there.

    Args:
        model: what the journal calls it.
    """
    dev = own.split("dev")
    if not dev:  # a note says so: `screening.about_items`
        return context.layout.name, {}
    asked, scores = replace(own, items=tuple(dev)), {}
    for layout in LAYOUTS.values():
        system = System(f"{model}[{layout.name}]", layout)
        answers = ask(folder, system, asked, context, **notes)
        scores[layout.name] = round(macro(tabulate(dev, answers)), 4)
    return max(scores, key=lambda name: scores[name]), scores


def bootstrap(items: Sequence[Item], context: Context) -> Bootstrap:
    """Returns the resamples of a set of items, the same in every round of a run."""
    settings = context.settings
    return Bootstrap(sizes_of(items), settings.evaluation.resamples, settings.random_seed)
