"""What a gain has to hold against, and what was lost elsewhere, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType

from selfspec_core.cli.output import cell, table

_PICKED = "each is picked by this very score, so a gain over it is, if anything, too small"


def over_better(scores: Mapping[str, Any], style: Mapping[str, str]) -> RenderableType | None:
    """Returns one line each for the better base and the better control: a claim needs both."""
    from selfspec_core.cli.tables import fewest, gain_cells
    from selfspec_core.stages.names import OURS

    rows = table("opponent", "gain", "interval", "verdict", right=("gain", "interval"))
    rows.show_header = False
    for what, name in (scores.get("better") or {}).items():
        ours = scores.get("ours", OURS)
        gain = scores["gains"].get(f"{ours} - {name}")
        if gain is not None:
            cells = gain_cells(gain, fewest(scores, ours))
            words = (f"over the better {what}, {name}", *cells)
            rows.add_row(*(cell(word, style.get(cells[-1], "dim")) for word in words))
    return Group(rows, cell(_PICKED, "dim")) if rows.row_count else None


def collateral(fields: Mapping[str, Any], limit: float) -> RenderableType:
    """Returns one line per other field: base and specialist on its test items."""
    from selfspec_core.cli.tables import interval, score
    from selfspec_core.report.elsewhere import loss, shown_split
    from selfspec_core.stages.names import BASE_BEST

    measured = [one for splits in fields.values() for one in splits.values()]
    ours = next(name for one in measured for name in one["systems"] if name != BASE_BEST)
    heads = ("items of", BASE_BEST, ours, "gain", "95 % interval", "items", "")
    rows = table(*heads, right=heads[1:6])
    for name, splits in fields.items():
        one = shown_split(splits)
        if one is None:
            continue
        said = loss(one, limit)
        both = (score(one["systems"][system]) for system in (BASE_BEST, ours))
        numbers = (f"{one['mean']:+.3f}", interval(one), str(one["n"]), said)
        style = {"worse": "red", "better": "green"}.get(said, "")
        rows.add_row(*(cell(word, style) for word in (name, *both, *numbers)))
    return rows


def print_collateral(scores: Mapping[str, Any], out: Console) -> None:
    """Prints what was lost elsewhere, if it was asked."""
    from selfspec_core.cli.tables import section
    from selfspec_core.report.elsewhere import limit_of

    fields, limit = scores.get("collateral") or {}, limit_of(scores)
    if any(fields.values()):
        title = f"Collateral: items of other fields; worse if more than {limit:g} is surely lost"
        out.print(section(title, collateral(fields, limit)))
