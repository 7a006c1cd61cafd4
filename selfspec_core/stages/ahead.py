"""Batches that do not depend on each other, generated at once where the model has room for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Thread
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
        with context.watch.in_model():
            made = _together(generate, part)
        yield from made


def _together(generate: Callable[[Asked], Made], part: Sequence[Asked]) -> list[Made]:
    """Returns what is generated, each in a thread of its own.

    An interruption does not wait for the threads, an error of one of them does wait for the others.
    """
    made: dict[int, Made] = {}
    errors: dict[int, BaseException] = {}

    def work(number: int) -> None:
        try:
            made[number] = generate(part[number])
        except BaseException as error:
            errors[number] = error

    threads = [Thread(target=work, args=(number,), daemon=True) for number in range(len(part))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [made[number] for number in range(len(part))]
