"""The figures that count: bars of the funnel, of tasks, of time; lengths; rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from selfspec_core.report.svg import COLOURS, NARROW, SIZE, figure
from selfspec_core.report.words import shown


@dataclass(frozen=True, slots=True)
class Bar:
    """A length with its label and what it says; `tone` is a name of `COLOURS`."""

    label: str
    value: float
    said: str
    tone: str = "base"
    start: float = 0.0


def bars(name: str, title: str, rows: Sequence[Bar], *, row: int = 26) -> Markup:
    """Returns horizontal bars with their labels at the left and what they say at their ends."""

    def draw(fig: Any, width: int) -> None:
        narrow = width < NARROW
        said = max(len(bar.said) for bar in rows) * SIZE * 0.56 + 10
        longest = max(len(shown(bar.label, 34)) for bar in rows) * SIZE * 0.6
        left = 0 if narrow else min(0.36 * width, longest + 12)
        axes = fig.add_axes((left / width, 0, (width - left - said) / width, 1))
        axes.set_axis_off()
        middle, above, tall = (-0.14, 0.24, 0.3) if narrow else (0.0, 0.0, 0.56)
        beside: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
        for place, bar in enumerate(rows):
            y, end = middle - place, bar.start + bar.value
            axes.barh(y, bar.value, tall, left=bar.start, color=COLOURS[bar.tone], linewidth=0)
            axes.annotate(bar.said, (end, y), (6, 0), color=COLOURS["muted"], **beside)
            where, label = (0, above - place), shown(bar.label, 34)
            axes.annotate(label, where, (-left, 0), color=COLOURS["ink"], **beside)
        axes.set_xlim(0, max(bar.start + bar.value for bar in rows) or 1)
        axes.set_ylim(-len(rows) + 0.5, 0.5)

    def height(width: int) -> float:
        return len(rows) * (row if width > NARROW else 40)

    return figure(name, title, height, draw)


def histogram(
    name: str,
    title: str,
    values: Sequence[float],
    others: Sequence[float],
    axis: str,
    *,
    mark: float | None = None,
    whole: bool = True,
) -> Markup:
    """Returns how values are spread, as shares, with others as an outline to compare with.

    Args:
        axis: what the horizontal axis says.
        mark: a value that is drawn as a line.
        whole: the values are counts.
    """
    import numpy as np

    high = float(np.percentile([*values, *others], 99)) if values or others else 1.0
    top = max(high, mark or 0.0)
    step = max(1.0, np.ceil(top / 16)) if whole else 0.05
    edges = np.arange(0, top + 1.5 * step, step)

    def shares(of: Sequence[float]) -> Any:
        counts, _ = np.histogram(np.clip(of, 0, edges[-1] - 1e-9), edges)
        return counts / max(len(of), 1)

    def draw(fig: Any, width: int) -> None:
        axes = fig.add_axes((8 / width, 0.25, 1 - 16 / width, 0.7))
        axes.stairs(
            shares(values), edges, fill=True, color=COLOURS["ours"], linewidth=0, alpha=0.75
        )
        if others:
            axes.stairs(shares(others), edges, color=COLOURS["ink"], linewidth=1.4, baseline=None)
        if mark is not None:
            axes.axvline(mark, color=COLOURS["bad"], linewidth=1.2, linestyle=(0, (4, 3)))
        for side in ("top", "left", "right"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(COLOURS["rule"])
        axes.set_yticks([])
        axes.tick_params(axis="x", length=0, pad=4, labelsize=SIZE - 1)
        axes.set_xlabel(axis, fontsize=SIZE, labelpad=4)
        axes.set_xlim(0, edges[-1])
        axes.margins(y=0.08)

    return figure(name, title, lambda width: 170 if width > NARROW else 150, draw)


def line(
    name: str, title: str, points: Sequence[tuple[int, float]], chosen: int | None, axis: str
) -> Markup:
    """Returns one value per round as a line, the chosen round filled."""

    def draw(fig: Any, width: int) -> None:
        axes = fig.add_axes((44 / width, 0.24, 1 - 60 / width, 0.68))
        places, values = [place for place, _ in points], [value for _, value in points]
        axes.plot(places, values, color=COLOURS["ours"], linewidth=1.6, zorder=3)
        for place, value in points:
            face = COLOURS["ours"] if place == chosen else COLOURS["paper"]
            axes.plot(
                [place],
                [value],
                "o",
                markersize=8,
                markerfacecolor=face,
                markeredgecolor=COLOURS["ours"],
                markeredgewidth=1.5,
                zorder=4,
                clip_on=False,
            )
            axes.annotate(
                f"{value:.3f}",
                (place, value),
                (0, 9),
                textcoords="offset points",
                ha="center",
                color=COLOURS["muted"],
                fontsize=SIZE,
            )
        for side in axes.spines.values():
            side.set_visible(False)
        axes.grid(axis="y", color=COLOURS["rule"], linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xticks(
            places,
            [f"round {place}" for place in places] if len(places) < 7 else list(map(str, places)),
        )
        axes.tick_params(length=0, labelsize=SIZE - 1, labelcolor=COLOURS["muted"])
        axes.margins(x=0.08, y=0.3)
        axes.set_ylabel(axis, fontsize=SIZE)
        axes.yaxis.set_visible(False)

    return figure(name, title, lambda _: 170, draw)
