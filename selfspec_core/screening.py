"""What is kept apart from the items: the firewall over all of them, and seeds that share text."""

from __future__ import annotations

from collections.abc import Sequence

from selfspec_core.errors import UsageError
from selfspec_core.firewall import Firewall
from selfspec_core.plugins import PluginHost
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.types import Seed, Task


def build_firewall(
    host: PluginHost, seeds: Sequence[Seed], sets: Sequence[EvaluationSet]
) -> tuple[Firewall, tuple[str, ...]]:
    """Builds the firewall over every item there is; returns also what it could not load.

    Other domains are loaded apart: nothing else of theirs comes into this run, and a component
    of theirs cannot clash with one of this run's.
    """
    others = PluginHost()
    others.load_every_domain()
    items = [item for one in sets for item in one.items]
    # calls the hooks: one that raises counts as failed
    offered = [cls for each in (host, others) for _, cls in each.offered("domains")]
    missing = [f"{source}: {source.error}" for source in others.failures()]
    for cls in dict.fromkeys(offered):
        try:
            tasks: Sequence[Task] = cls().tasks()
        except Exception as error:  # another domain's files must not stop this run
            missing.append(f"{cls.name} ({type(error).__name__})")
            continue
        items += [item for task in tasks for item in task.items]
    fixed = {seed.instruction for seed in seeds} | {item.instruction for item in items}
    return Firewall(items, fixed), tuple(missing)


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
        f"{one.name}: its dev items choose nothing; only those of a domain's own tasks do"
        for one in others
        if one.split("dev")
    ]
