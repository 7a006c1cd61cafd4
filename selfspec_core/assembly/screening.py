"""What is kept apart from the items: the firewall over all of them, and seeds that share text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from selfspec_core.errors import UsageError
from selfspec_core.firewall import Firewall
from selfspec_core.plugins import PluginHost
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.types import Item, Seed, Task


def items_of_domains(host: PluginHost) -> tuple[dict[str, list[Item]], tuple[str, ...]]:
    """Returns the items of every installed domain by its name, and what could not be loaded.

    Of two domains with one name, the second is `dist/name`. Other domains are loaded apart:
    nothing else of theirs comes into this run, and a component of theirs cannot clash with one of
    this run's.
    """
    others = PluginHost()
    others.load_every_domain()
    # calls the hooks: one that raises counts as failed
    offered = {cls: s for each in (others, host) for s, cls in each.offered("domains")}
    items: dict[str, list[Item]] = {}
    missing = [f"{source}: {source.error}" for source in others.failures()]
    for cls, source in offered.items():
        try:
            tasks: Sequence[Task] = cls().tasks()
        except Exception as error:  # another domain's files must not stop this run
            missing.append(f"{cls.name} ({type(error).__name__})")
            continue
        name = cls.name if cls.name not in items else f"{source.dist}/{cls.name}"
        items[name] = [item for task in tasks for item in task.items]
    return items, tuple(missing)


def build_firewall(
    seeds: Sequence[Seed], sets: Sequence[EvaluationSet], domains: Mapping[str, Sequence[Item]]
) -> Firewall:
    """Builds the firewall over every item there is: those that are asked, and all domains'."""
    items = [item for own in (*(one.items for one in sets), *domains.values()) for item in own]
    fixed = {seed.instruction for seed in seeds} | {item.instruction for item in items}
    return Firewall(items, fixed)


def screened(seeds: Sequence[Seed], firewall: Firewall) -> tuple[list[Seed], list[str]]:
    """Returns the seeds that share no text with an item, and a note on each of the others.

    A seed that is an item would show its answer, as a demonstration no less than in training.

    Raises:
        UsageError: if none is left.
    """
    kept, notes = [], []
    for seed, verdict in zip(seeds, firewall.screen(seeds), strict=True):
        if verdict.keep:
            kept.append(seed)
        else:
            notes.append(f"seed {seed.id} is left out: {verdict.reason}: {verdict.evidence}")
    if not kept:
        raise UsageError(f"every seed shares text with an item; for example {notes[0]}")
    return kept, notes


def about_items(sets: Sequence[EvaluationSet]) -> list[str]:
    """Returns notes on what there is to measure on; only dev items of the first set choose."""
    first, *others = sets
    if not any(one.split("test") for one in sets):
        return ["no test items to measure on, so no scores; --benchmark FILE gives some"]
    notes = (
        []
        if first.split("dev")
        else ["no dev items to choose a layout by: base-best@0 is the base in its usual layout"]
    )
    return notes + [
        f"benchmark {one.name}: its dev items are not used to choose; only a domain's own are"
        for one in others
        if one.split("dev")
    ]
