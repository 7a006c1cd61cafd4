"""How far a stage is: a live display on a terminal, a line every ten seconds without one.

Both write to stderr. Only outermost stages leave a line behind; nested ones are shown while they
last. `advance` does no more than add, so that it can be called for every item.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TextIO

from selfspec_core.progress import duration as duration

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

QUIET = 10.0
"""Seconds between two lines of one stage, without a terminal."""

_HEAD_START = 0.1
"""What is counted this soon after the start was done before an interruption: not speed."""


class Stage:
    """One stage: its count, its clock, and both in words."""

    def __init__(self, name: str, total: int, unit: str) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.done = self._before = 0
        self.started = self._clock = time.monotonic()

    def advance(self, done: int) -> None:
        """Counts `done` more units."""
        self.done += done
        now = time.monotonic()
        if now - self.started < _HEAD_START:
            self._before, self._clock = self.done, now

    def rate(self) -> float | None:
        """Returns units per second, or None while there is nothing to tell it from."""
        passed = time.monotonic() - self._clock
        made = self.done - self._before
        return made / passed if made > 0 and passed > 0 else None

    def speed(self) -> str:
        """Returns `14.2/s`, or `3.1 s each` for what is slower than one a second."""
        rate = self.rate()
        if rate is None:
            return ""
        if rate < 1:
            return f"{1 / rate:.1f} s each"
        return f"{rate:.1f}/s" if rate < 100 else f"{rate:.0f}/s"

    def left(self) -> str:
        """Returns `ETA 31 s`."""
        rate = self.rate()
        if rate is None or self.done >= self.total:
            return ""
        return f"ETA {duration((self.total - self.done) / rate)}"

    def passed(self) -> str:
        """Returns the time since the start."""
        return duration(time.monotonic() - self.started)

    def summary(self) -> str:
        """Returns what a finished stage did: `560 instructions, 39 s, 14.2/s`."""
        return joined(f"{self.done} {self.unit}" if self.done else "", self.passed(), self.speed())


def joined(*parts: str) -> str:
    """Joins what there is to say with commas."""
    return ", ".join(part for part in parts if part)


class LineProgress:
    """Lines at the start and the end of a stage, and one every ten seconds between."""

    def __init__(self, out: TextIO, quiet: float = QUIET) -> None:
        self._out, self._quiet = out, quiet
        self._stack: list[Stage] = []
        self._spoke = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Has nothing to clean up."""

    @contextmanager
    def stage(self, name: str, total: int, unit: str) -> Iterator[None]:
        """Shows a stage while it lasts."""
        stage = Stage(name, total, unit)
        self._stack.append(stage)
        if len(self._stack) == 1:
            self.say(f"{name}: {total} {unit}")
        try:
            yield
            if len(self._stack) == 1:
                self.say(f"{name}: done, {stage.summary()}")
        finally:
            self._stack.pop()

    def advance(self, done: int = 1) -> None:
        """Counts; says so when nothing was said for ten seconds."""
        if not self._stack:
            return
        stage = self._stack[-1]
        stage.advance(done)
        if time.monotonic() - self._spoke >= self._quiet:
            name = " > ".join(one.name for one in self._stack)
            count = f"{name} {stage.done}/{stage.total} {stage.unit}"
            self.say(joined(count, stage.speed(), stage.left()))

    def say(self, line: str) -> None:
        """Prints a line."""
        from selfspec_core.cli.output import plain

        self._spoke = time.monotonic()
        self._out.write(f"{plain(line)}\n")
        self._out.flush()


class LiveProgress:
    """A bar for every stage under way; a finished stage becomes a line above."""

    def __init__(self) -> None:
        from selfspec_core.cli.output import console

        self._console = console(stderr=True)
        self._stack: list[Stage] = []
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Takes the display down."""
        self._stop()

    @contextmanager
    def stage(self, name: str, total: int, unit: str) -> Iterator[None]:
        """Shows a stage while it lasts."""
        stage = Stage(name, total, unit)
        self._stack.append(stage)
        self._start()
        try:
            yield
            if len(self._stack) == 1:
                self._stop()
                self._leave(stage)
        finally:
            self._stack.pop()
            if not self._stack:
                self._stop()

    def advance(self, done: int = 1) -> None:
        """Counts; the display looks by itself, four times a second."""
        if self._stack:
            self._stack[-1].advance(done)

    def say(self, line: str) -> None:
        """Prints a line above the display."""
        from selfspec_core.cli.output import cell

        self._console.print(cell(line))

    def __rich__(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        from selfspec_core.cli.output import cell

        grid = Table.grid(padding=(0, 2, 0, 0))
        for depth, stage in enumerate(list(self._stack)):
            bar = ProgressBar(max(stage.total, 1), min(stage.done, max(stage.total, 1)), width=20)
            words = joined(stage.speed(), stage.passed(), stage.left())
            count = f"{stage.done}/{stage.total} {stage.unit}"
            grid.add_row(
                cell("  " * depth + stage.name, "bold"), bar, cell(count), cell(words, "dim")
            )
        return grid

    def _leave(self, stage: Stage) -> None:
        from rich.text import Text

        from selfspec_core.cli.output import cell

        parts = cell("✓ ", "green"), cell(stage.name, "bold"), cell(f"  {stage.summary()}")
        self._console.print(Text.assemble(*parts))

    def _start(self) -> None:
        if self._live is None:
            from rich.live import Live

            # stdout is for results: it stays out of the display, which is on stderr.
            self._live = Live(self, console=self._console, transient=True, redirect_stdout=False)
            self._live.start()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def make_progress() -> LiveProgress | LineProgress:
    """Returns the display that suits stderr; a context manager that takes it down at the end."""
    return LiveProgress() if sys.stderr.isatty() else LineProgress(sys.stderr)
