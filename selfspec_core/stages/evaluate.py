"""Stage 4: base, controls and specialist answer the same items; scores.json says what came out.

Dev items choose (`stages.develop`); here test items are asked, and only reported. Every answer is
in predictions.jsonl, so that any score can be computed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from selfspec_core.components import Context
from selfspec_core.files import write_atomically
from selfspec_core.journals import RoundFolder
from selfspec_core.measures.rows import by_likelihood, score_row, with_choices
from selfspec_core.measures.statistics import Table, tabulate
from selfspec_core.stages.asking import EvaluationSet, ask, bootstrap
from selfspec_core.stages.baselines import Baseline, ask_baselines
from selfspec_core.stages.collateral import collateral
from selfspec_core.stages.develop import Developed
from selfspec_core.stages.generic import generic_funnel
from selfspec_core.stages.names import BASE_BEST
from selfspec_core.stages.prefer import STAGE as PAIRS
from selfspec_core.stages.summary import funnel
from selfspec_core.stages.systems import better, pairs, systems
from selfspec_core.types import Adapter, Item, Prediction, System


def evaluate(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    sets: Sequence[EvaluationSet],
    developed: Developed,
    context: Context,
    other_fields: Sequence[EvaluationSet] = (),
    baselines: Sequence[Baseline] = (),
) -> dict[str, Any]:
    """Asks every system the test items of every set, then writes and returns the scores.

    Args:
        other_fields: items of other fields, to see what was lost there.
        baselines: other models to ask the same items.
    """
    compared = {one.name: one for one in systems(adapters, developed.layout, context)}
    asked = {name: _ask_all(folder, one, sets, context) for name, one in compared.items()}
    lost = {}
    if developed.system in compared:
        ours = compared[developed.system]
        lost = collateral(folder, compared[BASE_BEST], ours, other_fields, context, ("test",))
    said, chosen = ask_baselines(folder, baselines, sets, context)  # last: the model makes room
    asked |= said
    tables = {one.name: _compare(one, asked, context) for one in sets}
    for table in (part for one in tables.values() for part in (one, one.get("likelihood"))):
        if table and developed.system in table["systems"]:
            table["ours"] = developed.system  # which dev items chose
    return write_scores(folder, adapters, developed, context, tables, lost, chosen)


def write_scores(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    developed: Developed,
    context: Context,
    sets: Mapping[str, Any] = MappingProxyType({}),
    lost: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    baselines: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Writes and returns scores.json; a round that is not chosen has what dev items say alone.

    Args:
        sets: systems and gains on test items, by set.
        lost: gains on test items of other fields, by field and split.
        baselines: the layouts of other models.
    """
    scores = {
        "round": context.round,
        **funnel(folder),
        "layouts": {"best": developed.layout, "dev": dict(developed.layouts)},
        "training": {name: adapter.to_dict() for name, adapter in adapters.items()},
        **({"pairs": folder.count("pairs")} if folder.done(PAIRS) else {}),
        "generic": generic_funnel(folder),
        "sets": dict(sets),
        **developed.as_scores(),
        "collateral": {
            name: {**developed.collateral.get(name, {}), **lost.get(name, {})}
            for name in {**developed.collateral, **lost}
        },
        "collateral_limit": context.settings.rounds.collateral,
        "baselines": dict(baselines),
    }
    write_atomically(folder.path / "scores.json", json.dumps(scores, indent=1) + "\n")
    return scores


def _ask_all(
    folder: RoundFolder, system: System, sets: Sequence[EvaluationSet], context: Context
) -> dict[str, list[Prediction]]:
    """Asks one system the test items of every set."""
    tests = [replace(one, items=tuple(one.split("test"))) for one in sets]
    return {one.name: ask(folder, system, one, context) for one in tests}


def _compare(
    own: EvaluationSet, asked: Mapping[str, Mapping[str, list[Prediction]]], context: Context
) -> dict[str, Any]:
    """Returns the test scores of a set, the specialist's gains, and both by likelihood."""
    test = own.split("test")
    if not test:
        return {"systems": {}, "gains": {}}
    said = {system: sets[own.name] for system, sets in asked.items()}
    result, closed = _table(test, said, context), with_choices(test)
    weighed = {system: by_likelihood(closed, rows) for system, rows in said.items()}
    weighed = {system: rows for system, rows in weighed.items() if rows}
    if weighed:
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
    systems = {
        system: {**score_row(weigh, table), "sd": weigh.spread(table)}
        for system, table in tables.items()
    }
    gains = {
        f"{ours} - {other}": asdict(weigh.gain(tables[ours], tables[other]))
        for ours, other in pairs(tables)
    }
    picked = better({system: score["macro"] for system, score in systems.items()})
    return {"systems": systems, "gains": gains, "better": picked, "sizes": weigh.task_sizes}
