"""The control `generic`: the same pipeline on seeds of no field in particular.

What it gains over the base is what any tuning brings; only what a specialist has beyond that is its
field's. Its journals lie in a folder of their own in the round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from selfspec_core.components import Context, Filter, Generator, Trainer
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.stages.collect import collect
from selfspec_core.stages.names import GENERIC
from selfspec_core.stages.summary import funnel
from selfspec_core.stages.tuning import rows_of
from selfspec_core.stopwatch import Stopwatch
from selfspec_core.types import Example, Seed


def collect_generic(
    folder: RoundFolder,
    proposer: Generator,
    answerer: Generator,
    filters: Sequence[Filter],
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
) -> None:
    """Collects as many examples as the run does, from `context.general_seeds`."""
    own = folder.within(f"controls/{GENERIC}")
    for commit in own.commits:  # what an interrupted run had to decide
        context.decisions.update(commit.get("decisions", {}))
    context.model.load()
    with context.timed(GENERIC):
        collect(own, [], proposer, answerer, filters, trainer, firewall, _generic(context))


def generic_rows(folder: RoundFolder, context: Context) -> list[Seed | Example]:
    """Returns what the control is trained on: as the run's own rows, of general seeds."""
    own, general = folder.within(f"controls/{GENERIC}"), _generic(context)
    examples = [Example.from_dict(row) for row in own.read("examples")]
    return rows_of(examples, general) if examples else list(general.seeds)


def generic_funnel(folder: RoundFolder) -> dict[str, Any] | None:
    """Returns the counts of what the control collected, if it did."""
    place = f"controls/{GENERIC}"
    return funnel(folder.within(place)) if (folder.path / place).is_dir() else None


def _generic(context: Context) -> Context:
    """Returns the context with other seeds, and without the knowledge of the field."""
    return replace(
        context,
        domain=context.settings.evaluation.general,
        seeds=context.general_seeds,
        general_seeds=context.general_seeds,  # for replay, if that is what is replayed
        retriever=None,
        pool=(),
        wanted=(),
        watch=Stopwatch(),  # all of it is the one step
    )
