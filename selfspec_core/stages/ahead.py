"""Batches that do not depend on each other, generated at once where the model has room for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from selfspec_core.components import Context, Generator

Asked = TypeVar("Asked")
Made = TypeVar("Made")


def at_once(generator: Generator, context: Context) -> int:
    """Returns how many batches a generator may be asked for at the same time."""
    if not generator.concurrent or context.retriever is not None:
        return 1
    return context.model.at_once


def generated(
    generate: Callable[[Asked], Made], asked: Sequence[Asked], many: int, context: Context
) -> Iterator[Made]:
    """Yields what is generated for each of `asked`, in order, `many` at the same time.

    While the caller looks at what it was given nothing runs: filters may want the model too. What
    it does not take any more was generated in vain, `many - 1` batches at most.
    """
    for start in range(0, len(asked), many):
        part = asked[start : start + many]
        if len(part) == 1:
            yield generate(part[0])
            continue
        with context.watch.in_model(), ThreadPoolExecutor(len(part)) as pool:
            made = list(pool.map(generate, part))
        yield from made
