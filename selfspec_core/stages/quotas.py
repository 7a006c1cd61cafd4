"""How many instructions and examples of each task there may be."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from selfspec_core.components import Context

EVEN_WAVES = 3
"""Waves in which no task may take more than an even share; later the slow ones are made up for."""


def answer_room(context: Context) -> dict[str, int]:
    """Returns how many examples of each task there may be: its share of `data.size`."""
    return _rooms(context, context.settings.data.size, context.settings.data.task_share)


def propose_room(context: Context, target: int, wave: int) -> dict[str, int]:
    """Returns how many instructions of each task may be accepted, as things stand.

    Never less than an even share unless the task's own is less, so as long as more are wanted some
    task has room.
    """
    share = context.settings.data.task_share
    return _rooms(context, target, 0.0 if wave < EVEN_WAVES and share < 1 else share)


def _rooms(context: Context, total: int, share: float) -> dict[str, int]:
    """Returns a task's own share of a total, or the common one.

    That is never less than what the tasks with shares of their own leave, divided evenly.
    """
    own: Mapping[str, float] = context.settings.data.task_shares
    tasks = list(dict.fromkeys(seed.task for seed in context.seeds))
    left = max(0.0, round(1 - sum(own.values()), 9))
    even = ceil(total * left / max(1, len(tasks) - len(own)))
    common = max(even, int(total * share))
    return {task: ceil(total * own[task]) if task in own else common for task in tasks}
