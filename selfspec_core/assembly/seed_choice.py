"""Which of a domain's seeds a run may use: the table `[seeds]`."""

from __future__ import annotations

import random
from collections.abc import Sequence

from selfspec_core.config import SeedsSettings
from selfspec_core.errors import UsageError, nearest
from selfspec_core.types import Seed


def chosen(seeds: Sequence[Seed], settings: SeedsSettings) -> list[Seed]:
    """Returns the seeds to use, in their own order.

    `seeds.without` takes all seeds of a task away. Of the rest `seeds.count` are drawn by
    `seeds.draw` alone, evenly over tasks: tasks take turns in random order, so that two tasks
    differ by one seed at most unless one has no more, and of one draw the smaller counts are parts
    of the larger.

    Raises:
        UsageError: if a task has no seeds, none is left, or there are fewer than asked for.
    """
    tasks = list(dict.fromkeys(seed.task for seed in seeds))
    for task in settings.without:
        if task not in tasks:
            raise UsageError(f"seeds.without: no seed is of task '{task}'{nearest(task, tasks)}")
    left = [seed for seed in seeds if seed.task not in settings.without]
    if not left:
        raise UsageError("seeds.without: names every task there are seeds of; leave one")
    if settings.count is None:
        return left
    if settings.count > len(left):
        raise UsageError(f"seeds.count = {settings.count}: there are {len(left)} seeds")
    drawn = set(_turns(left, settings.draw)[: settings.count])
    return [seed for row, seed in enumerate(left) if row in drawn]


def about_choice(seeds: Sequence[Seed], used: Sequence[Seed], settings: SeedsSettings) -> list[str]:
    """Returns notes on what was left out, for whoever reads the result."""
    notes = []
    if settings.without:
        notes.append(f"left out of the seeds: {', '.join(settings.without)}; the items are asked")
    if settings.count is not None:
        notes.append(f"{len(used)} of {len(seeds)} seeds: draw {settings.draw}")
    return notes


def _turns(seeds: Sequence[Seed], draw: int) -> list[int]:
    """Returns the rows of `seeds` in the order in which they are drawn."""
    rng = random.Random(f"seeds/{draw}")
    rows: dict[str, list[int]] = {}
    for row, seed in enumerate(seeds):
        rows.setdefault(seed.task, []).append(row)
    for own in rows.values():
        rng.shuffle(own)
    order = []
    while waiting := [task for task, own in rows.items() if own]:
        rng.shuffle(waiting)
        order += [rows[task].pop() for task in waiting]
    return order
