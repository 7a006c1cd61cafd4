"""Other models on the same items (`--baseline`), one after another: never two in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from selfspec_core.components import Context, Model
from selfspec_core.journals import RoundFolder
from selfspec_core.layouts import LAYOUTS
from selfspec_core.stages.asking import STAGE, EvaluationSet, ask, choose_layout, said
from selfspec_core.types import Prediction, System

Said = dict[str, dict[str, list[Prediction]]]
"""What was said, by system and set."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A model that is only asked, not tuned; its systems bear its name."""

    name: str
    model: Model


def ask_baselines(
    folder: RoundFolder,
    baselines: Sequence[Baseline],
    sets: Sequence[EvaluationSet],
    context: Context,
) -> tuple[Said, dict[str, Any]]:
    """Asks each model the test items, in the layout that does best on dev and after demonstrations.

    The resident model makes room as soon as another is needed, and has to be loaded again by
    whoever uses it next.

    Returns:
        What was said, and by model the layout with the dev scores of all.
    """
    asked: Said = {}
    chosen: dict[str, Any] = {}
    tests = [replace(one, items=tuple(one.split("test"))) for one in sets]
    for one in baselines:
        found = _finished(folder, one)
        if found is None:
            context.model.unload()
            found = _ask(folder, one, sets[0], tests, context)
        chosen[one.name] = found
        asked |= {
            name: {test.name: said(folder, name, test) for test in tests}
            for name in _names(one, context)
        }
    return asked, chosen


def _ask(
    folder: RoundFolder,
    one: Baseline,
    own: EvaluationSet,
    tests: Sequence[EvaluationSet],
    context: Context,
) -> Mapping[str, Any]:
    """Loads a model, asks it everything, and commits that all is said."""
    for commit in folder.commits:
        if commit.get("baseline") == one.name:
            one.model.decisions.update(commit.get("decisions", {}))
    one.model.load()
    table = context.settings.model.model_copy(update={"layout": None})  # which is the base's own
    settings = context.settings.model_copy(update={"model": table})
    its = replace(context, model=one.model, settings=settings)
    best, on_dev = choose_layout(folder, one.name, own, its, baseline=one.name)
    for system in _systems(one, best, its):
        for test in tests:
            ask(folder, system, test, its, baseline=one.name)
    one.model.unload()
    found = {"layout": best, "dev": on_dev}
    marks = {"baseline": one.name, "asked": one.name, "found": found}
    folder.commit(STAGE, folder.done(STAGE), {}, **marks)
    return found


def _finished(folder: RoundFolder, one: Baseline) -> Mapping[str, Any] | None:
    """Returns what was found out about a model that has said everything: it is not loaded again."""
    done = [c for c in folder.commits if c.get("baseline") == one.name and "found" in c]
    return done[-1]["found"] if done else None


def _names(one: Baseline, context: Context) -> list[str]:
    shots = context.settings.evaluation.shots
    return [f"{one.name}@0", *([f"{one.name}@{shots}"] if shots else [])]


def _systems(one: Baseline, best: str, context: Context) -> Iterator[System]:
    settings = context.settings.evaluation
    bare, *shown = _names(one, context)
    yield System(bare, LAYOUTS[best])
    for name in shown:
        yield System(name, context.layout, None, settings.shots, settings.demo_sets)
