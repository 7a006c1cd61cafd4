"""How a stage says how far it is; the command line gives one that shows it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Shows how far a stage is. The command line gives one; the silent one is the default."""

    def stage(self, name: str, total: int, unit: str) -> AbstractContextManager[None]:
        """Starts a stage of `total` units; nested stages are shown beneath."""

    def advance(self, done: int = 1) -> None:
        """Says that `done` more units of the innermost stage are finished; below 0, fewer."""

    def say(self, line: str) -> None:
        """Prints one line above the progress display."""


class Silent:
    """A progress that shows nothing."""

    def stage(self, name: str, total: int, unit: str) -> AbstractContextManager[None]:
        """Starts nothing."""
        return nullcontext()

    def advance(self, done: int = 1) -> None:
        """Shows nothing."""

    def say(self, line: str) -> None:
        """Prints nothing."""


def duration(seconds: float) -> str:
    """Returns a time span as `4.2 s`, `31 s`, `2 min 05 s` or `3 h 12 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
