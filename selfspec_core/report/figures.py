"""The figures that carry intervals: dots with their intervals, in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from selfspec_core.report.svg import COLOURS, NARROW, SIZE, figure
from selfspec_core.report.systems import family
from selfspec_core.report.words import shown, signed

_ROW, _TALL_ROW, _LINE = 30, 44, 9.5
_TOP, _BOTTOM, _SIDE = 6, 26, 8
_LEGEND_ROW = 19
_GAP, _HEAD = 1.4, 2.2
"""Lines between two tasks of `bands`, and those that a task's name takes on a narrow screen."""

_LETTER = 0.6 * SIZE
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "h")


@dataclass(frozen=True, slots=True)
class Dot:
    """A value with its interval, if there is one; `tone` is a name of `COLOURS`."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    tone: str = "ink"
    said: str = ""
    marker: str = "o"
    filled: bool = True


def markers(systems: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Returns how each system is drawn: colour by family, shape within it."""
    seen: dict[str, int] = {}
    styles = {}
    for system in systems:
        kind = family(system)
        place = seen[kind] = seen.get(kind, -1) + 1
        shape = _MARKERS[(place + (kind != "ours")) // (1 + (kind != "ours")) % len(_MARKERS)]
        styles[system] = {"tone": kind, "marker": shape, "filled": place % 2 == 1 or kind == "ours"}
    return styles


def dots(name: str, title: str, rows: Sequence[Dot], *, zero: bool = False) -> Markup:
    """Returns one row per dot: its label, the interval as a line, the value in words at the right.

    Args:
        zero: the values are differences, and where 0 lies is what matters.
    """

    def draw(fig: Any, width: int) -> None:
        narrow = width < NARROW
        left = right = float(_SIDE)
        if not narrow:
            left = max(left, min(0.34 * width, max(len(r.label) for r in rows) * _LETTER + 14))
            right = max(len(row.said) for row in rows) * _LETTER + 16
        axes = _axes(fig, left, right)
        axes.set_ylim(0.5 - len(rows), 0.62 if narrow else 0.5)
        _scale(axes, rows, zero=zero)
        for place, row in enumerate(rows):
            weight = "bold" if row.tone == "ours" else "normal"
            y = 0.36 - place if narrow else -place
            _text(axes, 0, y, shown(row.label, 60), weight=weight)
            _text(axes, width, y, row.said, side="right", colour="muted")
            _interval(axes, row, -place)

    def height(width: int) -> float:
        return len(rows) * (_ROW if width > NARROW else _TALL_ROW) + _TOP + _BOTTOM

    return figure(name, title, height, draw)


def bands(
    name: str, title: str, tasks: Mapping[str, Sequence[Dot]], legend: Sequence[Dot]
) -> Markup:
    """Returns one band per task, with one dot per system, the same systems in the same order."""

    def draw(fig: Any, width: int) -> None:
        narrow = width < NARROW
        left = _SIDE if narrow else min(0.3 * width, max(map(len, tasks)) * _LETTER + 18)
        axes = _axes(fig, left, _SIDE, above=_legend_height(legend, width))
        y, last = 0.0, list(tasks)[-1]
        for task, row in tasks.items():
            if narrow:
                _text(axes, 0, y, shown(task, 44))
                y -= _HEAD
            else:
                _text(axes, 0, y - (len(row) - 1) / 2, shown(task, 30))
            for dot in row:
                _interval(axes, dot, y, small=True)
                y -= 1
            if task != last:
                axes.axhline(y + 0.5 - _GAP / 2, color=COLOURS["rule"], linewidth=0.6)
            y -= _GAP
        axes.set_ylim(y + _GAP + 0.2, 1.2 if narrow else 0.9)
        _scale(axes, [dot for row in tasks.values() for dot in row])
        _legend(fig, legend, width)

    def height(width: int) -> float:
        lines = sum(map(len, tasks.values())) + len(tasks) * _GAP
        lines += len(tasks) * _HEAD if width < NARROW else 0
        return lines * _LINE + _TOP + _BOTTOM + _legend_height(legend, width)

    return figure(name, title, height, draw)


def _legend_height(legend: Sequence[Dot], width: int) -> float:
    return -(-len(legend) // _legend_columns(legend, width)) * _LEGEND_ROW + 8


def _legend_columns(legend: Sequence[Dot], width: int) -> int:
    longest = max((len(dot.label) for dot in legend), default=1)
    return max(1, min(len(legend), int((width - _SIDE) // (longest * _LETTER + 26))))


def _legend(fig: Any, legend: Sequence[Dot], width: int) -> None:
    """Writes markers with their systems' names above the rest."""
    columns = _legend_columns(legend, width)
    axes = fig.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(fig.get_figheight() * 72, 0)
    for place, dot in enumerate(legend):
        x = _SIDE + (width - _SIDE) / columns * (place % columns)
        y = 12 + _LEGEND_ROW * (place // columns)
        _marker(axes, dot, x, y, 6.5)
        axes.text(x + 11, y, shown(dot.label, 40), va="center", color=COLOURS["ink"])


def _axes(fig: Any, left: float, right: float, above: float = 0) -> Any:
    """Returns axes with margins in pixels, and nothing but vertical lines behind the data."""
    width, height = fig.get_figwidth() * 72, fig.get_figheight() * 72
    tall = height - _TOP - _BOTTOM - above
    box = (left / width, _BOTTOM / height, (width - left - right) / width, tall / height)
    axes = fig.add_axes(box)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0, pad=6, labelsize=SIZE - 1)
    axes.grid(axis="x", color=COLOURS["rule"], linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _interval(axes: Any, dot: Dot, y: float, *, small: bool = False) -> None:
    thick = (1.5 if small else 2) + 0.6 * (dot.tone == "ours")
    if dot.low is not None and dot.high is not None:
        line = {"color": COLOURS[dot.tone], "linewidth": thick, "solid_capstyle": "round"}
        axes.plot([dot.low, dot.high], [y, y], zorder=3, **line)
    _marker(axes, dot, dot.value, y, (5.5 if small else 8) + (dot.tone == "ours"))


def _marker(axes: Any, dot: Dot, x: float, y: float, size: float) -> None:
    colour = COLOURS[dot.tone]
    look = {"markeredgecolor": colour, "markeredgewidth": 1.5, "clip_on": False, "zorder": 4}
    face = colour if dot.filled else COLOURS["paper"]
    axes.plot([x], [y], dot.marker, markersize=size, markerfacecolor=face, **look)


def _text(
    axes: Any,
    x: float,
    y: float,
    text: str,
    *,
    side: str = "left",
    colour: str = "ink",
    weight: str = "normal",
) -> None:
    """Writes text at pixel x of the figure and at row y, on the page's own ground."""
    from matplotlib.transforms import blended_transform_factory

    width = axes.figure.get_figwidth() * 72
    where = blended_transform_factory(axes.figure.transFigure, axes.transData)
    ground = {"facecolor": COLOURS["paper"], "edgecolor": "none", "pad": 1.2}
    look = {"color": COLOURS[colour], "fontweight": weight, "ha": side, "va": "center"}
    axes.text(x / width, y, text, transform=where, bbox=ground, zorder=2.5, **look)


def _scale(axes: Any, rows: Sequence[Dot], *, zero: bool = False) -> None:
    """Sets the range: scores from 0 as far as needed, gains around 0."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [end for row in rows for end in (row.low, row.high, row.value) if end is not None]
    low, high = min([0.0, *ends]), max([0.0 if zero else 0.05, *ends])
    room = max(0.04 * (high - low), 0.004)
    axes.set_xlim(low - room if zero else -0.5 * room, high + room)
    narrow = axes.figure.get_figwidth() * 72 < NARROW
    axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 7, steps=[1, 2, 2.5, 5, 10]))
    if zero:
        axes.axvline(0, color=COLOURS["muted"], linewidth=1.2, zorder=2)

    def tick(value: float, _: int) -> str:
        said = signed(value) if zero and value else f"{value:.3f}"
        return said.rstrip("0").rstrip(".") or "0"

    axes.xaxis.set_major_formatter(FuncFormatter(tick))
