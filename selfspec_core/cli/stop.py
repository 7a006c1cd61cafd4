"""What asks a run to end: Ctrl-C, SIGTERM and SIGHUP all end it with one line."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from selfspec_core.errors import Interrupted

_NAMES = ("SIGTERM", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal arrived that ends the process as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into `Stopped` while it lasts.

    A signal that is ignored stays ignored: that is how `nohup` keeps a run alive.
    """

    def stop(number: int, _: FrameType | None) -> None:
        raise Stopped(number)

    numbers = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    previous = {number: signal.getsignal(number) for number in numbers}
    caught = [number for number in numbers if previous[number] is not signal.SIG_IGN]
    for number in caught:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in caught:
            signal.signal(number, previous[number])


def interrupted(stop: BaseException | None, then: str = "") -> Interrupted:
    """Returns the error that ends the process: what stopped it, and how to go on."""
    number = stop.number if isinstance(stop, Stopped) else signal.SIGINT
    by = f"stopped by {signal.Signals(number).name}" if number != signal.SIGINT else "interrupted"
    return Interrupted(f"{by}; {then}" if then else by, number)
