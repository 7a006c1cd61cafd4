"""What a run is held against beside its own base: general seeds, other fields' items, other models.

The domain of no field (`evaluation.general`) gives the control `generic` its seeds and collateral
its everyday items.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from selfspec_core.assembly.models import build_model
from selfspec_core.components import Evaluator
from selfspec_core.config import EvaluationSettings, Settings
from selfspec_core.contracts import seeds_of
from selfspec_core.errors import UsageError
from selfspec_core.plugins import PluginHost
from selfspec_core.similarity.text import within_reach
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.baselines import Baseline
from selfspec_core.stages.collateral import PREFIX
from selfspec_core.stages.names import BASE_NAMES, CONTROLS, GENERIC, TUNED_NAMES
from selfspec_core.types import Item, Seed

_OWN_NAMES = {*BASE_NAMES, *CONTROLS, *TUNED_NAMES}


def general_seeds(
    host: PluginHost, settings: Settings, domain: str
) -> tuple[list[Seed], list[str]]:
    """Returns general seeds, if the control `generic` or replay asks for them, and notes.

    Raises:
        UsageError: if no plugin has seeds of that domain.
    """
    evaluation = settings.evaluation
    replayed = settings.data.replay > 0 and settings.data.replay_from == "general"
    if GENERIC not in evaluation.controls and not replayed:
        return [], []
    if domain == evaluation.general:
        return [], [f"control {GENERIC} is left out: '{domain}' is what it would be made of"]
    host.load_domain(evaluation.general, "evaluation.general:")
    seeds = seeds_of(cls for _, cls in host.offered("seed_sources", evaluation.general))
    if not seeds:
        raise UsageError(f"evaluation.general: no plugin provides seeds for '{evaluation.general}'")
    if settings.data.short_seeds:
        seeds = [s for s in seeds if is_short(s)] or seeds
    return seeds, []


def is_short(row: Seed | Item) -> bool:
    """Says whether a seed or item is within reach of a small model."""
    return within_reach(row.instruction, row.input)


def collateral_sets(
    settings: Settings,
    domain: str,
    domains: Mapping[str, Sequence[Item]],
    evaluator: Evaluator,
) -> list[EvaluationSet]:
    """Returns the items of other fields that are asked, a set a domain.

    Args:
        domain: the run's own, which is none of them.
        domains: items of all installed domains.

    Raises:
        UsageError: if the domain of no field is not there.
    """
    evaluation = settings.evaluation
    if evaluation.collateral == "none":
        return []
    if evaluation.general not in domains:
        raise UsageError(f"evaluation.general: no domain '{evaluation.general}' with items")
    names = [evaluation.general] if evaluation.collateral == "general" else sorted(domains)
    sets = []
    for name in names:
        items = _first(domains[name], evaluation, short=settings.data.short_seeds)
        if name != domain and items:
            sets.append(EvaluationSet(f"{PREFIX}{name}", items, evaluator))
    return sets


def _first(
    items: Sequence[Item], evaluation: EvaluationSettings, *, short: bool
) -> tuple[Item, ...]:
    """Returns the first items of each task and split, so many as are asked."""
    kept, seen = [], Counter[tuple[str, str]]()
    for item in items:
        if short and not is_short(item):
            continue
        seen[item.task, item.split] += 1
        if seen[item.task, item.split] <= evaluation.collateral_per_task:
            kept.append(item)
    return tuple(kept)


def build_baselines(
    host: PluginHost, settings: Settings, models: Sequence[str]
) -> tuple[Baseline, ...]:
    """Builds the models of `--baseline`, named after their folder or the end of their id.

    Raises:
        UsageError: naming the flag, if there is no such model or two bear one name.
    """
    found: dict[str, Baseline] = {}
    table = settings.model.model_copy(update={"revision": None})  # which is the base's own
    settings = settings.model_copy(update={"model": table})
    for given in models:
        name = re.sub(r"[^\w.-]", "-", Path(given.rstrip("/")).name)
        if name in _OWN_NAMES or name in found:
            taken = "another baseline" if name in found else "one of the run's own systems"
            raise UsageError(
                f"--baseline {given}: '{name}' is the name of {taken}; give it as a folder "
                "of another name"
            )
        model = build_model(host, settings, given)
        with _blamed_on(given):
            model.check()
        found[name] = Baseline(name, model)
    return tuple(found.values())


def reach_baselines(baselines: Sequence[Baseline]) -> None:
    """Makes sure that the models, which are loaded last of all, can be had.

    Raises:
        UsageError: naming the flag.
    """
    for one in baselines:
        with _blamed_on(one.name):
            one.model.reach()


@contextmanager
def _blamed_on(given: str) -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        said = re.sub(r"^--model \S+: ", "", str(error))
        raise UsageError(f"--baseline {given}: {said}") from None
