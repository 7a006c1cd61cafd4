"""A composition, readable from top to bottom: compose, tune one on all rows, choose, ask, score.

Each step is in the journal before the next begins, so a killed one goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from selfspec_core.components import Composer, Context, Expert
from selfspec_core.composing.members import Member, experts_of, firewall_of
from selfspec_core.composing.scores import overall, score
from selfspec_core.errors import UsageError
from selfspec_core.files import write_atomically
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.stages.asking import EvaluationSet, ask
from selfspec_core.stages.loading import load_model
from selfspec_core.stages.names import BASE_BEST, MIXTURE
from selfspec_core.stages.tuning import Plan, finished, put_in_place, train_all
from selfspec_core.types import Adapter, Prediction, System

OURS = f"{MIXTURE}@0"
ALL_ROWS = "all-rows"
"""One adapter tuned on the rows of all runs, as many epochs as the recipe says."""
OWN_EXPERT = "own-expert@0"
"""Each field's items answered by the specialist of that field: what a perfect choice of the domain
would score, and no mixture knows the domain."""

STAGE = "compose"
_RESERVED = {"base", "base-best", MIXTURE, ALL_ROWS, OWN_EXPERT.partition("@")[0]}


@dataclass(frozen=True, slots=True)
class Made:
    """A composed system that is asked test items.

    Attributes:
        about: what its composer says of it, and the settings that dev items chose.
    """

    adapter: Adapter
    about: dict[str, Any]


def compose(path: Path, members: Sequence[Member]) -> dict[str, Any]:
    """Makes every composed system, asks all systems the items of all fields, writes the scores.

    Args:
        path: the folder of the composition.

    Raises:
        UsageError: if the runs cannot be composed.
    """
    context = members[0].context
    sets = _sets(members)
    firewall = firewall_of(members)
    experts, screened = experts_of(members, firewall)
    composers = _composers(members[0], experts)
    _check_names(members, composers)
    kept, left_out = _fitting(composers, experts, context)
    context.model.load()
    for one in members:  # before it is noted that this is the model
        one.specialist.check_base(context.model)
    folder = RoundFolder(path)
    load_model(folder, context)
    made = {
        name: _chosen(name, choices, folder, experts, screened, sets, members)
        for name, choices in kept.items()
    }
    made[ALL_ROWS] = Made(_tuned_on_all(folder, members, firewall), {})
    said = _asked(folder, made, members, sets)
    scores = {
        "runs": {one.name: one.own.name for one in members},
        "base": members[0].specialist.base,
        "composed": {name: {**one.about, **one.adapter.to_dict()} for name, one in made.items()},
        "left_out": left_out,
        **score(sets, said, OURS, context),
    }
    write_atomically(path / "scores.json", json.dumps(scores, indent=1) + "\n")
    return scores


def _sets(members: Sequence[Member]) -> dict[str, EvaluationSet]:
    """Returns the items of every field.

    Raises:
        UsageError: if two runs of one field ask different items, or there is nothing to ask.
    """
    sets: dict[str, EvaluationSet] = {}
    for one in members:
        field = one.own.name
        if field in sets and sets[field].items != one.own.items:
            raise UsageError(f"{one.name}: asks other items of {field} than the run before it")
        sets.setdefault(field, one.own)
    return sets


def _composers(first: Member, experts: Sequence[Expert]) -> dict[str, list[Composer]]:
    """Builds every composer there is, one for each choice of what its settings leave open."""
    host, given = first.specialist.host, first.specialist.settings.components
    built = {}
    for name in (cls.name for _, cls in host.offered("composers")):
        own = given.of(name)
        one: Composer = host.build("composers", name, own)
        tables = [{**choice, **own} for choice in one.choices(experts)]
        apart = [table for at, table in enumerate(tables) if table not in tables[:at]]
        built[name] = [host.build("composers", name, table) for table in apart]
    return built


def _check_names(members: Sequence[Member], composers: Mapping[str, Any]) -> None:
    for one in members:
        if one.name in _RESERVED | composers.keys():
            raise UsageError(
                f"{one.name}: is the name of a system in the table, too; rename the run's folder"
            )


def _fitting(
    composers: Mapping[str, Sequence[Composer]], experts: Sequence[Expert], context: Context
) -> tuple[dict[str, Sequence[Composer]], dict[str, str]]:
    """Returns the composers that can compose these experts, and why others cannot.

    Raises:
        UsageError: if the mixture is one of those.
    """
    kept: dict[str, Sequence[Composer]] = {}
    left_out = {}
    for name, choices in composers.items():
        try:
            choices[0].check(experts, context)
            kept[name] = choices
        except UsageError as error:
            if name == MIXTURE:
                raise
            left_out[name] = str(error)
    return kept, left_out


def _chosen(
    name: str,
    choices: Sequence[Composer],
    folder: RoundFolder,
    experts: Sequence[Expert],
    screened: list[dict[str, str]],
    sets: Mapping[str, EvaluationSet],
    members: Sequence[Member],
) -> Made:
    """Composes with each choice of settings; returns what does best on dev items of all fields."""
    context = members[0].context
    tried = []
    for number, composer in enumerate(choices, 1):
        system = name if len(choices) == 1 else f"{name}-{number}"
        make = partial(composer.compose, experts, context=context)
        adapter = finished(folder, system, STAGE) or put_in_place(
            folder, system, make, (composer, "compose"), screened, context, STAGE
        )
        tried.append((system, composer, adapter))
    dev = {field: one for field, one in sets.items() if one.split("dev")}
    best, on_dev = tried[0], dict[str, float]()
    if len(tried) > 1 and dev:
        for system, _, adapter in tried:
            said = _ask_fields(folder, system, adapter.path, dev, members, "dev")
            on_dev[system] = round(overall(dev, said, context, "dev"), 4)
        best = max(tried, key=lambda one: on_dev[one[0]])  # the first of equals
    system, composer, adapter = best
    chosen = {
        "use": composer.use,
        "adapter": str(adapter.path.relative_to(folder.path)),
        "dev": on_dev,
    }
    return Made(adapter, {**composer.describe(adapter.path), **chosen})


def _tuned_on_all(folder: RoundFolder, members: Sequence[Member], firewall: Firewall) -> Adapter:
    """Tunes one adapter on the rows of all runs, as the first run tunes its own."""
    rows = [row for one in members for row in one.rows()]
    context, trainer = members[0].context, members[0].assembly.parts.trainer
    return train_all([Plan(ALL_ROWS, rows)], folder, trainer, firewall, context)[ALL_ROWS]


def _asked(
    folder: RoundFolder,
    made: Mapping[str, Made],
    members: Sequence[Member],
    sets: Mapping[str, EvaluationSet],
) -> dict[str, dict[str, list[Prediction]]]:
    """Asks every system the test items of every field."""
    adapters: dict[str, Path | None] = {"base": None, "base-best": None}
    adapters |= {one.name: one.specialist.adapter for one in members}
    adapters |= {name: one.adapter.path for name, one in made.items()}
    said = {
        f"{name}@0": _ask_fields(folder, name, path, sets, members, "test")
        for name, path in adapters.items()
    }
    own: dict[str, list[Prediction]] = {}
    for one in members:
        field = one.own.name
        own.setdefault(field, said[f"{one.name}@0"][field])
    ours = said.pop(OURS)  # to the end of the table
    return {**said, OWN_EXPERT: own, OURS: ours}


def _ask_fields(
    folder: RoundFolder,
    name: str,
    adapter: Path | None,
    sets: Mapping[str, EvaluationSet],
    members: Sequence[Member],
    split: str,
) -> dict[str, list[Prediction]]:
    """Asks one system the items of every field, each in the layout it is asked in there."""
    said = {}
    for field, one in sets.items():
        member = next(each for each in members if each.own.name == field)
        context, layout = member.context, member.context.tuned_layout
        if f"{name}@0" == BASE_BEST:
            layout = member.specialist.base_layout(context.model)
        system = System(f"{name}@0", layout, adapter)
        said[field] = ask(folder, system, replace(one, items=tuple(one.split(split))), context)
    return said
