"""Replay: a share of the training rows that are seeds, of the domain or general ones.

About a tenth of such rows protects what the base model could do before (Active Reading, LAB).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from math import ceil

from selfspec_core.components import Context
from selfspec_core.types import Example, Seed


def with_replay(rows: Sequence[Seed | Example], context: Context) -> list[Seed | Example]:
    """Returns the rows with replayed seeds behind them, until those are `data.replay` of all.

    Seeds that are among the rows already count. Every seed comes in turn, in random order, before
    one comes again.
    """
    settings = context.settings.data
    pool = list(context.general_seeds if settings.replay_from == "general" else context.seeds)
    if not settings.replay or not pool:
        return list(rows)
    known = set(pool)
    there = sum(row in known for row in rows)
    # (there + n) / (rows + n) >= share
    missing = ceil((settings.replay * len(rows) - there) / (1 - settings.replay) - 1e-9)
    random.Random(context.random_seed_of("replay")).shuffle(pool)
    return [*rows, *(pool[n % len(pool)] for n in range(missing))]
