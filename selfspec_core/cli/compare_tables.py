"""A comparison as tables: what differs, the ways to the examples, the paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from selfspec_core.cli.order import ordered
from selfspec_core.cli.output import cell, table
from selfspec_core.cli.tables import STYLES, interval, score, section

_LONGEST = 34
"""Characters of a setting's value that are shown."""


def print_comparison(result: Mapping[str, Any], out: Console) -> None:
    """Prints what `selfspec_core.measures.comparing.compare` returns."""
    groups = result["groups"]
    for group in groups:
        runs = ", ".join(group["runs"])
        about = f"  {group['domain']} · {group['model']}"
        out.print(Text.assemble(cell(f"{group['letter']}  ", "bold"), cell(runs), cell(about)))
        if group["unlike"]:
            keys = ", ".join(key.removeprefix("settings.") for key in group["unlike"])
            out.print(cell(f"   its runs differ in {keys}", "yellow"))
        for note in group["notes"]:
            out.print(cell(f"   {note}", "yellow"))
    out.print(section("From proposals to examples", _funnels(groups)))
    for one in result["comparisons"]:
        first, other = one["with"], one["of"]
        rows = result["differ"][other]
        differ = _settings(rows, first, other) if rows else cell("nothing", "dim")
        out.print(section(f"What {other} has otherwise than {first}", differ))
        for name, asked in one["sets"].items():
            _print_set(name, asked, first, other, out)
        if one["sets_not_shared"]:
            names = ", ".join(one["sets_not_shared"])
            out.print(cell(f"  asked by one of them alone: {names}", "yellow"))


def _funnels(groups: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Returns one column per group: proposed, rejected by filter, accepted."""
    letters = [group["letter"] for group in groups]
    rows = table("", *letters, right=tuple(letters))
    filters = dict.fromkeys(name for group in groups for name in group["rejected"])
    rows.add_row("proposed", *(_counted(group["proposed"]) for group in groups))
    for name in filters:
        none = [0]
        counts = (_counted(group["rejected"].get(name, none)) for group in groups)
        rows.add_row(cell(f"- {name}"), *counts)
    rows.add_row("accepted", *(_counted(group["accepted"]) for group in groups), style="bold")
    return rows


def _counted(counts: Sequence[int]) -> Text:
    """Returns a count, or the mean of several runs."""
    mean = sum(counts) / len(counts)
    return cell(f"{mean:.0f}" if mean == int(mean) else f"{mean:.1f}")


def _settings(rows: Sequence[Mapping[str, Any]], first: str, other: str) -> RenderableType:
    made = table("key", first, other)
    for row in rows:
        made.add_row(cell(row["key"]), cell(_short(row[first])), cell(_short(row[other])))
    return made


def _short(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _print_set(name: str, asked: Mapping[str, Any], first: str, other: str, out: Console) -> None:
    """Prints the differences on one set of items."""
    title = f"{other} beside {first} on {name}: {asked['items']} test items, paired"
    out.print(section(title, _differences("system", asked["systems"], first, other)))
    if asked["not_shared"]:
        where = ", ".join(f"{count} {what}" for what, count in asked["not_shared"].items())
        out.print(cell(f"  items that are not shared: {where}", "yellow"))
    if asked["systems_not_shared"]:
        names = ", ".join(asked["systems_not_shared"])
        out.print(cell(f"  asked in one of them alone: {names}", "yellow"))
    if asked["likelihood"]:
        body = _differences("system", asked["likelihood"], first, other)
        out.print(section("By likelihood of the choices", body))
    if asked["tasks"]:
        body = _differences("task", asked["tasks"], first, other)
        out.print(section("specialized@0 by task (one such interval in twenty misses)", body))


def _differences(
    what: str, rows: Mapping[str, Mapping[str, Any]], first: str, other: str
) -> RenderableType:
    """Returns one row per system or task: both scores, the difference, what it shows."""
    gain = f"{other} − {first}"
    right = (first, other, gain, "95 % interval")
    made = table(what, *right, "verdict", right=right)
    for name in ordered(rows) if what == "system" else rows:
        row = rows[name]
        cells = [name, score(row[first]), score(row[other]), f"{row['mean']:+.3f}"]
        style = STYLES.get(row["verdict"], "dim")
        made.add_row(*map(cell, cells), cell(interval(row), style), cell(row["verdict"], style))
    return made
