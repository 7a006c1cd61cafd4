"""Prompts as a run makes them: five demonstrations that all rows share, and a tail of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

SHARED, TAIL = (500, 800), (20, 120)
"""Tokens of the demonstrations, and of what follows them."""
DEMONSTRATIONS = 5


@cache
def seeds() -> list[Any]:
    """Returns the seeds of finance."""
    from selfspec_finance import FinanceSeeds

    return list(FinanceSeeds().seeds())


@cache
def items() -> list[Any]:
    """Returns the items of finance."""
    from selfspec_core.packages import load_tasks

    return [item for task in load_tasks("selfspec_finance") for item in task.items]


def shared_prompts(tokenizer: Any, count: int) -> list[str]:
    """Returns `count` prompts in the layout of an untuned model."""
    from selfspec_core.layouts import LAYOUTS

    layout = LAYOUTS["task"]

    def tokens(text: str) -> int:
        return len(tokenizer(text).input_ids)

    shown: Sequence[Any] = next(
        chosen
        for at in range(len(seeds()))
        if SHARED[0]
        < tokens(layout.few_shot(chosen := seeds()[at :: len(seeds()) // DEMONSTRATIONS][:5], ""))
        < SHARED[1]
    )
    tails = [
        item
        for number in range(74)
        for item in items()[number::74]
        if TAIL[0] < tokens(layout.prompt(item.instruction, item.input)) < TAIL[1]
    ]
    assert len(tails) >= count
    return [layout.few_shot(shown, item.instruction, item.input) for item in tails[:count]]
