"""A composition as tables: scores by field, the mixture's gains, where tokens were sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, RenderableType

from selfspec_core.cli.output import cell, table
from selfspec_core.cli.tables import STYLES, interval, score, section
from selfspec_core.composing.scores import ALL
from selfspec_core.stages.names import MIXTURE


def print_composition(scores: Mapping[str, Any], out: Console) -> None:
    """Prints what scores.json of a composition says."""
    if ALL not in scores:
        out.print(section("Results", cell("no test items", "dim")))
    for title, one in (("Results", scores), ("By likelihood", scores.get("likelihood") or {})):
        if ALL in one:
            items = sum(one[ALL]["sizes"].values())
            about = f"{title} on {items} test items, means over tasks"
            out.print(section(about, _systems(one)))
            out.print(section("Gains of the mixture, paired by item", _gains(one[ALL])))
    routed = scores["composed"][MIXTURE].get("routed")
    if routed:
        out.print(section("Where the router sends tokens of each run's examples", _routed(routed)))
    for name, why in scores["left_out"].items():
        out.print(cell(f"  {name} is left out: {why}", "yellow"))


def _systems(scores: Mapping[str, Any]) -> RenderableType:
    """Returns one row per system: over all fields with the interval, then each field."""
    fields = scores["fields"]
    columns = ["all", "95 % interval", "parsable", *fields]
    rows = table("system", *columns, right=tuple(columns))
    for name, one in scores[ALL]["systems"].items():
        parsable = "-" if one["parsable"] is None else f"{one['parsable']:.0%}"
        cells = [name, score(one["macro"]), interval(one), parsable]
        cells += [score(field["systems"][name]["macro"]) for field in fields.values()]
        style = "bold" if name.startswith(f"{MIXTURE}@") else ""
        rows.add_row(*(cell(text, style) for text in cells))
    return rows


def _gains(found: Mapping[str, Any]) -> RenderableType:
    right = ("gain", "95 % interval")
    rows = table("over", *right, "verdict", right=right)
    for name, gain in found["gains"].items():
        style = STYLES.get(gain["verdict"], "dim")
        other = name.partition(" - ")[2]
        rows.add_row(
            cell(other),
            cell(f"{gain['mean']:+.3f}"),
            cell(interval(gain), style),
            cell(gain["verdict"], style),
        )
    return rows


def _routed(routed: Mapping[str, Mapping[str, float]]) -> RenderableType:
    experts = list(next(iter(routed.values())))
    heads = [f"to {name}" for name in experts]
    rows = table("examples of", *heads, right=tuple(heads))
    for run, shares in routed.items():
        rows.add_row(cell(run), *(cell(f"{shares[name]:.0%}") for name in experts))
    return rows
