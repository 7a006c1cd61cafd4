"""What a gain has to hold against, and what was lost elsewhere, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group, RenderableType

from selfspec_core.cli.output import cell, table

LIMIT = 0.005
"""Half a point: what a specialist may lose elsewhere before it is shown as a loss."""

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


def collateral(fields: Mapping[str, Any]) -> RenderableType:
    """Returns one line per other field: base and specialist on its test items."""
    from selfspec_core.cli.tables import interval, score
    from selfspec_core.stages.names import BASE_BEST

    measured = [one for splits in fields.values() for one in splits.values()]
    ours = next(name for one in measured for name in one["systems"] if name != BASE_BEST)
    heads = ("items of", BASE_BEST, ours, "gain", "95 % interval", "items", "")
    rows = table(*heads, right=heads[1:6])
    for name, splits in fields.items():
        one = splits.get("test") or next(iter(splits.values()), None)
        if one is None:
            continue
        said = loss(one)
        both = (score(one["systems"][system]) for system in (BASE_BEST, ours))
        numbers = (f"{one['mean']:+.3f}", interval(one), str(one["n"]), said)
        style = {"worse": "red", "better": "green"}.get(said, "")
        rows.add_row(*(cell(word, style) for word in (name, *both, *numbers)))
    return rows


def loss(gain: Mapping[str, Any]) -> str:
    """Says what became of another field: worse, if surely more than half a point is lost."""
    from selfspec_core.measures.statistics import Gain, conclusion

    own = Gain(gain["mean"], gain["low"], gain["high"])
    said = conclusion(own, min(gain["sizes"].values()))
    if said == "worse" and own.high >= -LIMIT:
        return "no clear loss"
    return said.replace("no clear difference", "no clear loss")


def print_collateral(fields: Mapping[str, Any], out: Console) -> None:
    """Prints what was lost elsewhere, if it was asked."""
    from selfspec_core.cli.tables import section

    if any(fields.values()):
        title = f"Collateral: items of other fields; red if more than {LIMIT:.3f} is surely lost"
        out.print(section(title, collateral(fields)))
