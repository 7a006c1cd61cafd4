"""Stage 4: base, controls and specialist answer the same items; scores.json says what came out.

Dev items choose the base's best layout (and, over rounds, the round); test items are only reported.
Every answer is in predictions.jsonl, so that any score can be computed again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from selfspec_core.components import Context
from selfspec_core.files import write_atomically
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.asking import EvaluationSet, ask, bootstrap, choose_layout
from selfspec_core.stages.baselines import Baseline, ask_baselines
from selfspec_core.stages.collateral import collateral
from selfspec_core.stages.generic import generic_funnel
from selfspec_core.stages.names import BASE_BEST, OURS
from selfspec_core.stages.summary import funnel
from selfspec_core.stages.systems import better, pairs, systems
from selfspec_core.statistics import Table, tabulate
from selfspec_core.types import CLOSED_KINDS, Adapter, Item, Prediction, System


def evaluate(
    folder: RoundFolder,
    adapters: Mapping[str, Adapter],
    sets: Sequence[EvaluationSet],
    context: Context,
    other_fields: Sequence[EvaluationSet] = (),
    baselines: Sequence[Baseline] = (),
) -> dict[str, Any]:
    """Asks every system every set, then writes and returns the scores.

    The first set is the domain's own: its dev items choose the layout of `base-best@0`.

    Args:
        other_fields: items of other fields, to see what was lost there.
        baselines: other models to ask the same items.
    """
    best, on_dev = choose_layout(folder, "base", sets[0], context)
    compared = {system.name: system for system in systems(adapters, best, context)}
    asked = {s.name: _ask_all(folder, s, sets, context) for s in compared.values()}
    ours, lost = asked.get(OURS, {}), {}
    if ours:
        lost = collateral(folder, compared[BASE_BEST], compared[OURS], other_fields, context)
    said, chosen = ask_baselines(folder, baselines, sets, context)  # last: the model makes room
    asked |= said
    scores = {
        "round": context.round,
        **funnel(folder),
        "layouts": {"best": best, "dev": on_dev},
        "training": {name: _without_path(adapter) for name, adapter in adapters.items()},
        "generic": generic_funnel(folder),
        "sets": {s.name: _compare(s, asked, context) for s in sets},
        "collateral": lost,
        "baselines": chosen,
        "dev": _dev_score(sets[0], ours[sets[0].name], context) if ours else None,
    }
    write_atomically(folder.path / "scores.json", json.dumps(scores, indent=1) + "\n")
    return scores


def _ask_all(
    folder: RoundFolder, system: System, sets: Sequence[EvaluationSet], context: Context
) -> dict[str, list[Prediction]]:
    """Asks one system every set; dev items only where they choose something: rounds."""
    said = {}
    for one in sets:
        items = one.items if system.name == OURS else one.split("test")
        said[one.name] = ask(folder, system, replace(one, items=tuple(items)), context)
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
    weighed = {system: rows for system, rows in weighed.items() if rows}  # not every model can
    if not test:
        return {"systems": {}, "gains": {}}
    result = _table(test, said, context)
    if closed and weighed:
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
        for ours, other in pairs(tables)
    }
    picked = better({system: score["macro"] for system, score in systems.items()})
    return {"systems": systems, "gains": gains, "better": picked, "sizes": weigh.task_sizes}


def _dev_score(own: EvaluationSet, said: Sequence[Prediction], context: Context) -> float | None:
    """Returns the specialist's macro score on dev: what rounds are chosen by."""
    dev = own.split("dev")
    known = {item.id for item in dev}
    rows = [prediction for prediction in said if prediction.item in known]
    return bootstrap(dev, context).score(tabulate(dev, rows)).value if rows else None


def _without_path(adapter: Adapter) -> dict[str, Any]:
    row = asdict(adapter)
    del row["path"]
    return row
