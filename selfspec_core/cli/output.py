"""What the commands share: consoles, JSON, and text that stays text."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from selfspec_core.cli.results import write_result

WIDTH = 100


def console(*, stderr: bool = False) -> Console:
    """Returns a console that interprets no markup and is at most `WIDTH` columns wide."""
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    made.width = min(made.width, WIDTH) if made.is_terminal else WIDTH
    return made


def plain(text: object) -> str:
    """Returns text on one line without control characters: it may come from anywhere."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def cell(text: object, style: str = "") -> Text:
    """Returns untrusted text for a table: nothing in it is markup or an escape sequence."""
    return Text(plain(text), style=style)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """Returns an empty borderless table; the columns named in `right` are aligned right."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        numeric = column in right
        made.add_column(column, justify="right" if numeric else "left", no_wrap=numeric)
    return made


def print_json(value: Any) -> None:
    """Prints JSON for another program; what a terminal would act on is written as `\\u…`."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    shown = (c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
    write_result("".join(shown))
