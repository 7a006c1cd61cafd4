"""Stage 4: base, controls and specialist answer the same items; scores.json says what came out.

Dev items choose the base's best layout (and, over rounds, the round); test items are only reported.
Every answer is in predictions.jsonl, so that any score can be computed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from selfspec_core.components import Context, Evaluator
from selfspec_core.files import write_atomically
from selfspec_core.layouts import LAYOUTS
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import decided
from selfspec_core.stages.specialize import SPECIALIST
from selfspec_core.stages.summary import funnel
from selfspec_core.statistics import Bootstrap, Table, tabulate
from selfspec_core.types import CLOSED_KINDS, Adapter, Item, Prediction, System

STAGE = "evaluate"
BASE, BASE_BEST = "base@0", "base-best@0"


@dataclass(frozen=True, slots=True)
class EvaluationSet:
    """Items that are reported together, and the evaluator that asks them."""

    name: str
    items: tuple[Item, ...]
    evaluator: Evaluator

    def split(self, name: str) -> list[Item]:
        """Returns the items of a split."""
        return [item for item in self.items if item.split == name]


def evaluate(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    sets: Sequence[EvaluationSet],
    context: Context,
) -> dict[str, Any]:
    """Asks every system every set, then writes and returns the scores.

    The first set is the domain's own: its dev items choose the layout of `base-best@0`.
    """
    best, on_dev = _choose_layout(folder, sets[0], context)
    systems = _systems(adapters, best, context)
    asked = {s.name: _ask_all(folder, s, sets, context) for s in systems}
    ours = asked.get(f"{SPECIALIST}@0", {})
    scores = {
        "round": context.round,
        **funnel(folder),
        "layouts": {"best": best, "dev": on_dev},
        "training": {name: _without_path(adapter) for name, adapter in adapters.items()},
        "sets": {s.name: _compare(s, asked, context) for s in sets},
        "dev": _dev_score(sets[0], ours[sets[0].name], context) if ours else None,
    }
    write_atomically(folder.path / "scores.json", json.dumps(scores, indent=1) + "\n")
    return scores


def _systems(adapters: Mapping[str, Adapter], best: str, context: Context) -> Iterator[System]:
    """Yields what is compared, base first; tuned systems are asked in the layout they know."""
    settings, tuned = context.settings.evaluation, context.tuned_layout
    yield System(BASE, tuned)
    yield System(BASE_BEST, LAYOUTS[best])
    if settings.shots:
        name = f"base@{settings.shots}"
        yield System(name, context.layout, None, settings.shots, settings.demo_sets)
    for control in (name for name in adapters if name != SPECIALIST):
        yield System(f"{control}@0", tuned, adapters[control].path)
    if SPECIALIST in adapters:
        yield System(f"{SPECIALIST}@0", tuned, adapters[SPECIALIST].path)


def _choose_layout(
    folder: RoundFolder, own: EvaluationSet, context: Context
) -> tuple[str, dict[str, float]]:
    """Returns the layout in which the base does best on dev, and every layout's score there."""
    dev = own.split("dev")
    if not dev:  # a note says so: `screening.about_items`
        return context.layout.name, {}
    bootstrap = _bootstrap(dev, context)
    scores = {}
    for layout in LAYOUTS.values():
        system = System(f"base[{layout.name}]", layout)
        said = _ask(folder, system, replace(own, items=tuple(dev)), context)
        scores[layout.name] = round(bootstrap.score(tabulate(dev, said)).value, 4)
    return max(scores, key=lambda name: scores[name]), scores


def _ask_all(
    folder: RoundFolder, system: System, sets: Sequence[EvaluationSet], context: Context
) -> dict[str, list[Prediction]]:
    """Asks one system every set; dev items only where they choose something: rounds."""
    said = {}
    for one in sets:
        items = one.items if system.name == f"{SPECIALIST}@0" else one.split("test")
        said[one.name] = _ask(folder, system, replace(one, items=tuple(items)), context)
    return said


def _ask(
    folder: RoundFolder, system: System, asked: EvaluationSet, context: Context
) -> list[Prediction]:
    """Asks a system a set, or reads what it said before the run was interrupted."""
    if not asked.items:
        return []
    key = f"{asked.name}/{system.name}"
    if any(c["stage"] == STAGE and c["asked"] == key for c in folder.commits):
        return [
            Prediction.from_dict(row)
            for row in folder.read("predictions")
            if row["set"] == asked.name and row["system"] == system.name
        ]
    context.model.use_adapter(system.adapter)
    total = len(asked.items) * system.demo_sets
    with context.progress.stage(f"evaluate {key}", total, "items"):
        said = asked.evaluator.evaluate(asked.items, system, context)
    context.model.use_adapter(None)
    rows = [{"set": asked.name, **prediction.to_dict()} for prediction in said]
    folder.commit(STAGE, folder.done(STAGE), {"predictions": rows}, asked=key, **decided(context))
    return said


def _compare(
    own: EvaluationSet, asked: Mapping[str, Mapping[str, list[Prediction]]], context: Context
) -> dict[str, Any]:
    """Returns the test scores of a set, the specialist's gains, and both by likelihood."""
    test = own.split("test")
    said = {system: sets[own.name] for system, sets in asked.items()}
    closed = [item for item in test if item.kind in CLOSED_KINDS and item.choices]
    weighed = {
        system: [replace(p, parsed=p.likeliest) for p in rows if p.likeliest is not None]
        for system, rows in said.items()
    }
    if not test:
        return {"systems": {}, "gains": {}}
    result = _table(test, said, context)
    if closed and all(weighed.values()):
        result["likelihood"] = _table(closed, weighed, context)
    return result


def _table(
    items: Sequence[Item], said: Mapping[str, Sequence[Prediction]], context: Context
) -> dict[str, Any]:
    bootstrap, known = _bootstrap(items, context), {item.id for item in items}
    tables: dict[str, Table] = {
        system: tabulate(items, [p for p in rows if p.item in known])
        for system, rows in said.items()
    }
    systems = {}
    for system, table in tables.items():
        score = bootstrap.score(table)
        systems[system] = {"macro": score.value, **asdict(score), "sd": bootstrap.spread(table)}
        del systems[system]["value"]
    ours = f"{SPECIALIST}@0"
    others = [system for system in tables if system != ours] if ours in tables else []
    gains = {
        f"{ours} - {other}": asdict(bootstrap.gain(tables[ours], tables[other])) for other in others
    }
    return {"systems": systems, "gains": gains, "sizes": bootstrap.task_sizes}


def _dev_score(own: EvaluationSet, said: Sequence[Prediction], context: Context) -> float | None:
    """Returns the specialist's macro score on dev: what rounds are chosen by."""
    dev = own.split("dev")
    known = {item.id for item in dev}
    rows = [prediction for prediction in said if prediction.item in known]
    return _bootstrap(dev, context).score(tabulate(dev, rows)).value if rows else None


def _bootstrap(items: Sequence[Item], context: Context) -> Bootstrap:
    sizes: dict[str, int] = {}
    for item in items:
        sizes[item.task] = sizes.get(item.task, 0) + 1
    settings = context.settings
    return Bootstrap(sizes, settings.evaluation.resamples, settings.random_seed)


def _without_path(adapter: Adapter) -> dict[str, Any]:
    row = asdict(adapter)
    del row["path"]
    return row
