"""The figures that carry intervals: dots with their intervals, in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from selfspec_core.report.svg import COLOURS, SIZE, figure
from selfspec_core.report.systems import family
from selfspec_core.report.words import shown, signed

_ROW = 30
_TOP, _BOTTOM, _SIDE = 6, 26, 8
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
        shape = (
            _MARKERS[(place + 1) // 2 % len(_MARKERS)] if kind != "ours" else _MARKERS[place % 10]
        )
        styles[system] = {"tone": kind, "marker": shape, "filled": place % 2 == 1 or kind == "ours"}
    return styles


def dots(name: str, title: str, rows: Sequence[Dot], *, zero: bool = False) -> Markup:
    """Returns one row per dot: its label, the interval as a line, the value in words at the right.

    Args:
        zero: the values are differences, and where 0 lies is what matters.
    """

    def draw(fig: Any, width: int) -> None:
        height = fig.get_figheight() * 72
        narrow = width < 500
        said = max((len(row.said) for row in rows), default=0)
        right = 0 if narrow else said * SIZE * 0.56 + 14
        left = 0 if narrow else min(0.34 * width, max(len(r.label) for r in rows) * SIZE * 0.6 + 14)
        left = max(left, _SIDE)
        axes = _axes(fig, width, height, left, max(right, _SIDE))
        step = 1.0
        for place, row in enumerate(rows):
            y = -place * step
            _interval(axes, row, y)
            label = shown(row.label, 60)
            weight = "bold" if row.tone == "ours" else "normal"
            if narrow:
                _beside(axes, 0, y + 0.36, label, "left", COLOURS["ink"], weight)
                _beside(axes, 1, y + 0.36, row.said, "right", COLOURS["muted"])
            else:
                _beside(
                    axes,
                    -(left - _SIDE) / _inner(axes, fig),
                    y,
                    label,
                    "left",
                    COLOURS["ink"],
                    weight,
                )
                _beside(axes, 1 + 14 / _inner(axes, fig), y, row.said, "left", COLOURS["muted"])
        axes.set_ylim(-(len(rows) - 1) * step - 0.5, 0.62 if narrow else 0.5)
        _scale(axes, rows, zero=zero)

    def height(width: int) -> float:
        return len(rows) * (_ROW if width > 500 else 44) + _TOP + _BOTTOM

    return figure(name, title, height, draw)


def bands(
    name: str, title: str, tasks: Mapping[str, Sequence[Dot]], legend: Sequence[Dot]
) -> Markup:
    """Returns one band per task, with one dot per system, the same systems in the same order."""
    systems = max((len(row) for row in tasks.values()), default=1)
    gap = 1.4

    def draw(fig: Any, width: int) -> None:
        narrow = width < 500
        total = fig.get_figheight() * 72
        above = _legend_height(legend, width)
        left = _SIDE if narrow else min(0.3 * width, max(map(len, tasks)) * SIZE * 0.6 + 18)
        axes = _axes(fig, width, total, left, _SIDE, above)
        y = 0.0
        for place, (task, row) in enumerate(tasks.items()):
            if narrow:
                _beside(axes, 0, y, shown(task, 44), "left", COLOURS["ink"])
                y -= 2.2
            top = y
            for dot in row:
                _interval(axes, dot, y, size=5.5)
                y -= 1
            if not narrow:
                middle = (top + y + 1) / 2
                _beside(
                    axes,
                    -(left - _SIDE) / _inner(axes, fig),
                    middle,
                    shown(task, 30),
                    "left",
                    COLOURS["ink"],
                )
            if place < len(tasks) - 1:
                axes.axhline(y + 0.5 - gap / 2, color=COLOURS["rule"], linewidth=0.6)
            y -= gap
        axes.set_ylim(y + gap + 0.2, 1.2 if narrow else 0.9)
        _scale(axes, [dot for row in tasks.values() for dot in row])
        _legend(fig, legend, width, total)

    def height(width: int) -> float:
        band = systems + gap + (2.2 if width < 500 else 0)
        return len(tasks) * band * 9.5 + _TOP + _BOTTOM + _legend_height(legend, width)

    return figure(name, title, height, draw)


def _legend_height(legend: Sequence[Dot], width: int) -> float:
    rows = -(-len(legend) // _legend_columns(legend, width))
    return rows * 19 + 8


def _legend_columns(legend: Sequence[Dot], width: int) -> int:
    longest = max((len(dot.label) for dot in legend), default=1)
    return max(1, min(len(legend), int((width - _SIDE) // (longest * SIZE * 0.6 + 26))))


def _legend(fig: Any, legend: Sequence[Dot], width: int, total: float) -> None:
    """Writes a legend of markers above; labels are the systems' own names."""
    columns = _legend_columns(legend, width)
    across = (width - _SIDE) / columns
    axes = fig.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(total, 0)
    for place, dot in enumerate(legend):
        x, y = _SIDE + across * (place % columns), 12 + 19 * (place // columns)
        _marker(axes, dot, x, y, 6.5)
        axes.text(x + 11, y, shown(dot.label, 40), va="center", fontsize=SIZE, color=COLOURS["ink"])


def _axes(
    fig: Any, width: float, height: float, left: float, right: float, above: float = 0
) -> Any:
    low, tall = _BOTTOM / height, (height - _TOP - _BOTTOM - above) / height
    axes = fig.add_axes((left / width, low, (width - left - right) / width, tall))
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0, pad=6, labelsize=SIZE - 1)
    axes.grid(axis="x", color=COLOURS["rule"], linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _inner(axes: Any, fig: Any) -> float:
    """Returns the width of the axes in pixels."""
    return float(axes.get_position().width * fig.get_figwidth() * 72)


def _interval(axes: Any, dot: Dot, y: float, size: float = 8) -> None:
    colour = COLOURS[dot.tone]
    if dot.low is not None and dot.high is not None:
        axes.plot(
            [dot.low, dot.high],
            [y, y],
            color=colour,
            linewidth=2 if size > 7 else 1.5,
            solid_capstyle="round",
            zorder=3,
        )
    _marker(axes, dot, dot.value, y, size)


def _marker(axes: Any, dot: Dot, x: float, y: float, size: float) -> None:
    colour = COLOURS[dot.tone]
    face = colour if dot.filled else COLOURS["paper"]
    axes.plot(
        [x],
        [y],
        dot.marker,
        markersize=size,
        markerfacecolor=face,
        markeredgecolor=colour,
        markeredgewidth=1.5,
        zorder=4,
        clip_on=False,
    )


def _beside(
    axes: Any, x: float, y: float, text: str, side: str, colour: str, weight: str = "normal"
) -> None:
    """Writes text at a share of the axes' width and at a row."""
    axes.text(
        x,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        ha=side,
        va="center",
        color=colour,
        fontsize=SIZE,
        fontweight=weight,
    )


def _scale(axes: Any, rows: Sequence[Dot], *, zero: bool = False) -> None:
    """Sets the range: scores from 0 as far as needed, gains around 0."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ends = [end for row in rows for end in (row.low, row.high, row.value) if end is not None]
    low, high = min([0.0, *ends]), max([0.0 if zero else 0.05, *ends])
    room = max(0.04 * (high - low), 0.004)
    axes.set_xlim(low - room if zero else -0.5 * room, high + room)
    axes.xaxis.set_major_locator(MaxNLocator(5 if _narrow(axes) else 7, steps=[1, 2, 2.5, 5, 10]))
    if zero:
        axes.axvline(0, color=COLOURS["muted"], linewidth=1.2, zorder=2)
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: signed(value).rstrip("0").rstrip(".") if value else "0")
        )
    else:
        axes.xaxis.set_major_formatter(
            FuncFormatter(lambda value, _: f"{value:.2f}".rstrip("0").rstrip(".") or "0")
        )


def _narrow(axes: Any) -> bool:
    return bool(axes.figure.get_figwidth() * 72 < 500)
