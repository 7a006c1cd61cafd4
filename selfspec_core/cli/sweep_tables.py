"""A sweep as a table: one row per value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from selfspec_core.cli.output import cell, console, print_json, table
from selfspec_core.cli.tables import score, section
from selfspec_core.stages.names import OURS
from selfspec_core.sweeps.points import SweepFolder

_ROLES = {"base": "base", "control": "seeds-only control"}


def show_sweep(folder: SweepFolder, *, as_json: bool) -> dict[str, Any]:
    """Prints the results of a sweep on stdout, finished or not; returns them."""
    from selfspec_core.sweeps.results import summarize_sweep

    summary = summarize_sweep(folder)
    if as_json:
        print_json(summary)
    else:
        print_sweep(summary, console())
    return summary


def print_sweep(summary: Mapping[str, Any], out: Console) -> None:
    """Prints a sweep as `selfspec_core.sweeps.results.summarize_sweep` gives it."""
    done = f"{summary['finished']} of {summary['points']} runs"
    about = f"  {summary['domain']} · {summary['model']} · {done}"
    out.print(Text.assemble(cell(summary["sweep"], "bold"), cell(about)))
    for name, problem in summary["failed"].items():
        out.print(cell(f"failed: {name}: {problem}", "yellow"))
    rows = [row for row in summary["values"] if row.get("systems")]
    if "left_out" in summary:
        _print_left_out(summary["left_out"], out)
    elif rows:
        drawn = f"; {summary['draws']} draws of {summary['drawn']}" if summary["drawn"] else ""
        title = f"By {summary['over']}, with 95 % intervals{drawn}"
        out.print(section(title, _by_value(rows, summary)))
        for role, what in _ROLES.items():
            if line := _rivals(rows, role):
                out.print(cell(f"  better {what}: {line}", "dim"))
        _say_few(rows, out)


def _by_value(rows: Sequence[Mapping[str, Any]], summary: Mapping[str, Any]) -> Any:
    several = summary["draws"] > 1
    short = summary["over"].rpartition(".")[2]
    columns = [short, "examples", OURS, "− better base", "− better seeds-only control"]
    columns += ["SD"] if several else []
    made = table(*columns, right=tuple(columns[1:]))
    for row in rows:
        ours = row["systems"].get(OURS)
        cells = [row["label"], _counted(row["accepted"]), _with_interval(ours, "macro")]
        cells += [_with_interval(row["gains"].get(role), "mean") for role in _ROLES]
        cells += [score(ours["sd"]) if ours else "-"] if several else []
        made.add_row(*map(cell, cells))
    return made


def _print_left_out(left: Mapping[str, Any], out: Console) -> None:
    """Prints each left-out task's own items, answered by systems that have seen nothing of it."""
    rows = left["values"]
    if not rows:
        return
    gains = (left["all"] or rows[0])["gains"]
    rivals = [gains[role]["over"] for role in _ROLES if role in gains]
    every = [{"label": "all, each by who has not seen it", **left["all"]}] if left["all"] else []
    heads = ["left out", "items", *rivals, OURS]
    scores = table(*heads, right=tuple(heads[1:]))
    heads = ["left out", *(f"{OURS} − {rival}" for rival in rivals)]
    paired = table(*heads, right=tuple(heads[1:]))
    for row in [*rows, *every]:
        style = "bold" if row in every else ""
        systems, items = row["systems"], str(sum(row["sizes"].values()))
        macros = [score(systems[name]["macro"]) for name in (*rivals, OURS)]
        scores.add_row(*(cell(text, style) for text in (row["label"], items, *macros)))
        each = [_with_interval(row["gains"].get(role), "mean") for role in _ROLES]
        paired.add_row(*(cell(text, style) for text in (row["label"], *each[: len(rivals)])))
    out.print(section("On the items of the task that is left out of the seeds", scores))
    out.print(section("Gains there, paired by item, with 95 % intervals", paired))
    _say_few(rows, out)


def _say_few(rows: Sequence[Mapping[str, Any]], out: Console) -> None:
    """Says where there are too few items for a verdict on any gain."""
    from selfspec_core.measures.statistics import LEAST_ITEMS

    if any(n < LEAST_ITEMS for row in rows for n in row["sizes"].values()):
        out.print(cell(f"  no verdict on gains: under {LEAST_ITEMS} items in a task", "dim"))


def _with_interval(one: Mapping[str, Any] | None, key: str) -> str:
    """Returns `0.287 [0.240, 0.318]`; a gain has its sign."""
    if one is None:
        return "-"
    value = f"{one[key]:+.3f}" if key == "mean" else score(one[key])
    return f"{value} [{score(one['low'])}, {score(one['high'])}]"


def _counted(counts: Sequence[int]) -> str:
    """Returns `400`, or `398-400` where draws differ."""
    least, most = min(counts), max(counts)
    return str(most) if least == most else f"{least}-{most}"


def _rivals(rows: Sequence[Mapping[str, Any]], role: str) -> str:
    """Returns which base or control is the better one, and at which values."""
    at: dict[str, list[str]] = {}
    for row in rows:
        if role in row["gains"]:
            at.setdefault(row["gains"][role]["over"], []).append(row["label"])
    if len(at) == 1:
        return next(iter(at))
    return "; ".join(f"{name} at {', '.join(labels)}" for name, labels in at.items())
