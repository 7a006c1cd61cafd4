"""The plot of a sweep: score by value, with 95 % intervals, every draw as a cross."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfspec_core.stages.names import BASES, OURS, SEED_CONTROLS

WIDE = 20
"""A largest value so many times the smallest positive one is shown on a logarithmic scale."""

_LINES = {"better base": BASES, "better seeds-only control": SEED_CONTROLS, OURS: (OURS,)}
_COLOURS = ("#7f7f7f", "#d55e00", "#0072b2")
_APART = 4.0
"""Points between the bars of one value, so that none hides another."""

_SHORT = 8
"""Characters of a label that stands upright."""


def draw_sweep(summary: Mapping[str, Any], file: Path) -> None:
    """Draws a sweep as SVG; the same summary gives the same bytes.

    Raises:
        ImportError: if matplotlib is not installed.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.transforms import ScaledTranslation

    rows = [row for row in summary["values"] if row.get("systems")]
    places, ticks = _places(rows)
    style: Any = {"svg.hashsalt": "selfspec", "text.parse_math": False, "svg.fonttype": "none"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(6.4, 4.0), layout="constrained")
        axes = figure.subplots()
        for row, (name, systems) in enumerate(_LINES.items()):
            beside = ScaledTranslation((row - 1) * _APART / 72, 0, figure.dpi_scale_trans)
            scores = [_better(one, systems) for one in rows]
            _line(axes, axes.transData + beside, places, scores, name, _COLOURS[row])
        if ticks == "log":
            least = min(place for place in places if place > 0)
            axes.set_xscale("symlog", linthresh=least, linscale=0.5)
        axes.set_xticks(places, [_tick(row["label"]) for row in rows])
        axes.minorticks_off()
        if max(len(row["label"]) for row in rows) > _SHORT:
            axes.tick_params(axis="x", labelrotation=30)
        axes.set_xlabel(summary["over"])
        axes.set_ylabel("macro score, 95 % interval")
        draws = f", {summary['draws']} draws" if summary["draws"] > 1 else ""
        axes.set_title(f"{summary['domain']}, {summary['model']}{draws}", fontsize="medium")
        axes.grid(axis="y", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize="small")
        figure.savefig(file, format="svg", metadata={"Date": None})


def _places(rows: Sequence[Mapping[str, Any]]) -> tuple[list[float], str]:
    """Returns where the values stand: numbers where they are, anything else side by side."""
    values = [row["value"] for row in rows]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return [float(row) for row in range(len(values))], "even"
    positive = [value for value in values if value > 0]
    wide = positive and min(values) >= 0 and max(values) >= WIDE * min(positive)
    return [float(value) for value in values], "log" if wide else "linear"


def _better(row: Mapping[str, Any], systems: Sequence[str]) -> Mapping[str, Any] | None:
    asked = [row["systems"][name] for name in systems if name in row["systems"]]
    return max(asked, key=lambda one: float(one["macro"])) if asked else None


def _line(
    axes: Any,
    where: Any,
    places: Sequence[float],
    scores: Sequence[Mapping[str, Any] | None],
    name: str,
    colour: str,
) -> None:
    """Draws one system: a line through its scores, a bar for each interval, a cross per run."""
    known = sorted(
        ((place, score) for place, score in zip(places, scores, strict=True) if score),
        key=lambda pair: pair[0],
    )
    if not known:
        return
    at, macro = [place for place, _ in known], [score["macro"] for _, score in known]
    below = [score["macro"] - score["low"] for _, score in known]
    above = [score["high"] - score["macro"] for _, score in known]
    below, above = ([max(0.0, value) for value in side] for side in (below, above))
    axes.update_datalim([(x, y) for x, one in known for y in (one["low"], one["high"])])
    axes.autoscale_view()
    look = {"color": colour, "marker": "o", "markersize": 4, "capsize": 3, "lw": 1.4}
    axes.errorbar(at, macro, yerr=(below, above), label=name, transform=where, **look)
    for place, score in known:
        each = score["each"] if len(score["each"]) > 1 else []
        axes.plot([place] * len(each), each, "x", color=colour, markersize=4, transform=where)


def _tick(label: str) -> str:
    """Returns a label as a picture holds it: short, without control characters."""
    return "".join(c if c.isprintable() else " " for c in label[:24])
