"""Asking a system a set of items, once: what it said is in the journal afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from selfspec_core.components import Context, Evaluator
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import decided
from selfspec_core.statistics import Bootstrap
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
    folder: RoundFolder, system: System, asked: EvaluationSet, context: Context
) -> list[Prediction]:
    """Asks a system a set, or reads what it said before the run was interrupted."""
    if not asked.items:
        return []
    dev = all(item.split == "dev" for item in asked.items)
    key = f"{asked.name}/{system.name}" + "/dev" * dev
    if any(c["stage"] == STAGE and c["asked"] == key for c in folder.commits):
        known = {item.id for item in asked.items}
        return [
            Prediction.from_dict(row)
            for row in folder.read("predictions")
            if row["set"] == asked.name and row["system"] == system.name and row["item"] in known
        ]
    context.model.use_adapter(system.adapter)
    total = len(asked.items) * system.demo_sets
    with context.progress.stage(f"evaluate {key}", total, "items"):
        said = asked.evaluator.evaluate(asked.items, system, context)
    context.model.use_adapter(None)
    rows = [{"set": asked.name, **prediction.to_dict()} for prediction in said]
    folder.commit(STAGE, folder.done(STAGE), {"predictions": rows}, asked=key, **decided(context))
    return said


def bootstrap(items: Sequence[Item], context: Context) -> Bootstrap:
    """Returns the resamples of a set of items, the same in every round of a run."""
    sizes: dict[str, int] = {}
    for item in items:
        sizes[item.task] = sizes.get(item.task, 0) + 1
    settings = context.settings
    return Bootstrap(sizes, settings.evaluation.resamples, settings.random_seed)
