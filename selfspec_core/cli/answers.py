"""Answers on the screen while they are written: in columns where there is room, else stacked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from rich.table import Table
from rich.text import Text

from selfspec_core.cli.output import console

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

COLUMNS = 100
"""Columns of a terminal from which on two answers stand next to each other."""

NOTHING = "(nothing)"


def legible(text: str) -> str:
    """Returns untrusted text with its line breaks, and nothing else that a terminal acts on."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


class Answers:
    """The answers of one question. Without a terminal they are printed when all are there."""

    def __init__(self, names: Sequence[str]) -> None:
        self._console = console()
        self._texts = dict.fromkeys(names, "")
        self._ended: set[str] = set()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            from rich.live import Live

            # what is longer than the screen is cut while it grows, and whole at the end
            self._live = Live(get_renderable=self.render, console=self._console, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves what was said on the screen, be it complete or not."""
        if self._live is not None:
            self._live.stop()
        self._console.print(self.render())

    def add(self, name: str, piece: str) -> None:
        """Adds a piece to an answer; the display looks by itself, four times a second."""
        self._texts[name] += piece

    def end(self, name: str) -> None:
        """Says that an answer is complete."""
        self._ended.add(name)

    def render(self) -> RenderableType:
        """Returns the answers as they stand."""
        said = {name: self._said(name) for name in self._texts}
        if len(said) > 1 and self._console.is_terminal and self._console.width >= COLUMNS:
            side = Table(box=None, pad_edge=False, expand=True, padding=(0, 2, 0, 0))
            for name in said:
                side.add_column(Text(name, style="bold"), ratio=1)
            side.add_row(*said.values())
            return side
        stacked = Table.grid(padding=(0, 2, 0, 0))
        stacked.add_column(no_wrap=True)
        stacked.add_column()
        for name, text in said.items():
            stacked.add_row(Text(name, style="bold"), text)
        return stacked

    def _said(self, name: str) -> Text:
        text = legible(self._texts[name]).strip()
        if not text:
            return Text(NOTHING if name in self._ended else "…", style="dim")
        return Text(text)
