"""How many instructions and examples of each task there may be."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from selfspec_core.components import Context

EVEN_WAVES = 3
"""Waves in which no task may take more than an even share; later the slow ones are made up for."""


def answer_room(context: Context) -> dict[str, int]:
    """Returns how many examples of each task there may be: its share of `data.size`."""
    size = context.settings.data.size
    even = ceil(size / len(_tasks(context)))
    common = max(even, int(size * context.settings.data.task_share))
    return _with_own_shares(context, common, size)


def propose_room(context: Context, target: int, wave: int) -> dict[str, int]:
    """Returns how many instructions of each task may be accepted, as things stand.

    Never less than an even share unless the task's own is less, so as long as more are wanted some
    task has room.
    """
    share = context.settings.data.task_share
    even = ceil(target / len(_tasks(context)))
    common = even if wave < EVEN_WAVES else max(even, int(target * share))
    return _with_own_shares(context, target if share == 1 else common, target)


def _with_own_shares(context: Context, common: int, total: int) -> dict[str, int]:
    own: Mapping[str, float] = context.settings.data.task_shares
    return {task: ceil(total * own[task]) if task in own else common for task in _tasks(context)}


def _tasks(context: Context) -> list[str]:
    return list(dict.fromkeys(seed.task for seed in context.seeds))
