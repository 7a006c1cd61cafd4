"""Turns training rows into optimizer steps of packed token rows.

A step is made of a fixed number of examples. Packing only decides how these lie in memory, so it
never changes what a step learns from.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

IGNORED = -100
"""Label of a token that the loss leaves out."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Tokens of an example; those before `start` belong to the prompt and carry no loss."""

    ids: list[int]
    start: int

    @property
    def labels(self) -> list[int]:
        """The tokens, prompt ignored."""
        return [IGNORED] * self.start + self.ids[self.start :]


def shorten(ids: list[int], start: int, most: int) -> Encoded:
    """Returns an example of at most `most` tokens: the prompt loses its beginning (but for its
    first token), and only a response that is too long by itself loses its end."""
    over = len(ids) - most
    if over <= 0:
        return Encoded(ids, start)
    cut = min(over, start - 1)
    return Encoded((ids[:1] + ids[1 + cut :])[:most], start - cut)


def order_steps(rows: int, batch: int, steps: int, random_seed: int) -> list[list[int]]:
    """Returns the rows of each step: passes over all rows, each in a new order."""
    shuffled, order = random.Random(random_seed), list(range(rows))
    plan: list[list[int]] = []
    while len(plan) < steps:
        shuffled.shuffle(order)
        plan += [order[i : i + batch] for i in range(0, rows, batch)]
    return plan[:steps]


def pack(examples: Sequence[Encoded], capacity: int) -> list[list[Encoded]]:
    """Puts each example, longest first, into the first row that has room for it."""
    packed: list[list[Encoded]] = []
    room: list[int] = []
    for example in sorted(examples, key=lambda e: -len(e.ids)):
        place = next((i for i, free in enumerate(room) if free >= len(example.ids)), len(room))
        if place == len(room):
            packed.append([])
            room.append(capacity)
        packed[place].append(example)
        room[place] -= len(example.ids)
    return packed


def collate(rows: Sequence[Sequence[Encoded]], *, flat: bool = False) -> dict[str, Any]:
    """Returns `input_ids`, `labels` and `position_ids` of packed rows, (rows, longest).

    Positions restart with every example; without an attention mask transformers keeps stretches
    apart where they restart. Padding has position 0 throughout, so that it sees only itself.

    Args:
        flat: one row without padding, as variable-length attention kernels want it.
    """
    import torch

    lines = [[example for row in rows for example in row]] if flat else rows
    width = max(sum(len(e.ids) for e in line) for line in lines)

    def table(parts: list[list[list[int]]], padding: int) -> Any:
        joined = [[x for part in line for x in part] for line in parts]
        return torch.tensor([line + [padding] * (width - len(line)) for line in joined])

    return {
        "input_ids": table([[e.ids for e in line] for line in lines], 0),
        "labels": table([[e.labels for e in line] for line in lines], IGNORED),
        "position_ids": table([[list(range(len(e.ids))) for e in line] for line in lines], 0),
    }


def split(rows: Sequence[Any], parts: int) -> list[list[Any]]:
    """Cuts `rows` into `parts` pieces of nearly equal size; some may be empty."""
    bounds = [len(rows) * i // parts for i in range(parts + 1)]
    return [list(rows[a:b]) for a, b in pairwise(bounds)]
