"""Stage 4: base, controls and specialist answer the same items; scores.json says what came out.

Dev items choose (`stages.develop`); here test items are asked, and only reported. Every answer is
in predictions.jsonl, so that any score can be computed again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from selfspec_core.components import Context
from selfspec_core.files import write_atomically
from selfspec_core.layouts import LAYOUTS
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.asking import EvaluationSet, ask, bootstrap
from selfspec_core.stages.develop import BASE_BEST, Developed
from selfspec_core.stages.prefer import STAGE as PAIRS
from selfspec_core.stages.specialize import TUNED
from selfspec_core.stages.summary import funnel
from selfspec_core.statistics import Table, tabulate
from selfspec_core.types import CLOSED_KINDS, Adapter, Item, Prediction, System

BASE = "base@0"
_OURS = [f"{name}@0" for name in TUNED]


def evaluate(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    sets: Sequence[EvaluationSet],
    developed: Developed,
    context: Context,
) -> dict[str, Any]:
    """Asks every system the test items of every set, then writes and returns the scores."""
    asked = {
        system.name: {one.name: ask(folder, system, _test(one), context) for one in sets}
        for system in _systems(adapters, developed.layout, context)
    }
    compared = {one.name: _compare(one, asked, context) for one in sets}
    return write_scores(folder, adapters, developed, compared, context)


def write_scores(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    developed: Developed,
    sets: Mapping[str, Any],
    context: Context,
) -> dict[str, Any]:
    """Writes and returns scores.json; a round that is not chosen has no sets."""
    scores = {
        "round": context.round,
        **funnel(folder),
        "layouts": {"best": developed.layout, "dev": dict(developed.layouts)},
        "training": {name: _without_path(adapter) for name, adapter in adapters.items()},
        **({"pairs": sum(1 for _ in folder.read("pairs"))} if folder.done(PAIRS) else {}),
        "sets": dict(sets),
        **developed.as_scores(),
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
    for control in (name for name in adapters if name not in TUNED):
        yield System(f"{control}@0", tuned, adapters[control].path)
    for ours in (name for name in TUNED if name in adapters):
        yield System(f"{ours}@0", tuned, adapters[ours].path)


def _test(one: EvaluationSet) -> EvaluationSet:
    return replace(one, items=tuple(one.split("test")))


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
    weigh, known = bootstrap(items, context), {item.id for item in items}
    tables: dict[str, Table] = {
        system: tabulate(items, [p for p in rows if p.item in known])
        for system, rows in said.items()
    }
    systems = {}
    for system, table in tables.items():
        score = weigh.score(table)
        systems[system] = {"macro": score.value, **asdict(score), "sd": weigh.spread(table)}
        del systems[system]["value"]
    gains = {
        f"{ours} - {other}": asdict(weigh.gain(tables[ours], tables[other]))
        for at, ours in enumerate(name for name in _OURS if name in tables)
        for other in tables
        if other not in _OURS[at:]
    }
    return {"systems": systems, "gains": gains, "sizes": weigh.task_sizes}


def _without_path(adapter: Adapter) -> dict[str, Any]:
    row = asdict(adapter)
    del row["path"]
    return row
