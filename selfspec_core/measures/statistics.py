"""Paired bootstrap intervals.

Items are resampled within their task, demonstration sets too where there are several; the metric is
computed anew inside each resample and averaged over tasks (macro). All systems of a run share the
resample weights, so the difference of two systems is paired by item.

How the ends are found, and how often they hold the truth, is in `selfspec_core.measures.intervals`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from selfspec_core.measures.intervals import Effects, Floats, difference, interval
from selfspec_core.measures.metrics import METRICS
from selfspec_core.types import Item, Prediction, Score

LEAST_ITEMS = 12
"""Items of the smallest task below which a gain has no verdict: it weighs as much as any other.

Simulated for two systems that are equally good: 4.4 % of the intervals of 12 items leave out 0, and
2.8 % of those of 20; 11 % of those of 2 items do, and half of those of two tasks of 1 and 23 items:
of one item nothing is known about the next.
"""

_NO_WIDTH = 1e-9


@dataclass(frozen=True, slots=True)
class Counts:
    """What one system scored on one task.

    Attributes:
        metric: a name of `METRICS`.
        values: counts of shape [demonstration sets, items, k], items in the task's order.
        parsable: share of answers that could be parsed, or None if not known.
        runs: of each demonstration set, which run it is of: sets of one run are drawn together.
            Empty: each is drawn by itself.
    """

    metric: str
    values: Floats
    parsable: float | None = None
    runs: tuple[int, ...] = ()


Table = Mapping[str, Counts]
"""Counts of one system by task."""


@dataclass(frozen=True, slots=True)
class Gain:
    """How much better one system is than another, with the 95 % interval of the difference."""

    mean: float
    low: float
    high: float


def conclusion(gain: Gain, fewest: int) -> str:
    """Says what a gain shows where the smallest task has `fewest` items, or why it shows nothing.

    An interval without width is none where there is a gain: all items differ alike, and resampling
    them tells nothing of others.
    """
    if fewest < LEAST_ITEMS:
        return f"no verdict: under {LEAST_ITEMS} items in a task"
    if gain.high - gain.low < _NO_WIDTH < abs(gain.mean):
        return "no verdict: all items differ alike"
    if gain.low > 0:
        return "better"
    return "worse" if gain.high < 0 else "no clear difference"


def tabulate(items: Sequence[Item], predictions: Iterable[Prediction]) -> dict[str, Counts]:
    """Turns one system's predictions into counts.

    Args:
        items: all items that were asked; they give the order within a task.
        predictions: one for every item and demonstration set, in any order.

    Raises:
        ValueError: if a prediction is missing, given twice, or of no item.
    """
    said: dict[tuple[str, int], Prediction] = {}
    for prediction in predictions:
        key = (prediction.item, prediction.demo_set)
        if key in said:
            raise ValueError(f"two predictions for item {prediction.item}")
        said[key] = prediction
    sets = sorted({demo_set for _, demo_set in said})
    if len(said) != len(sets) * len(items) or any(
        (i.id, s) not in said for i in items for s in sets
    ):
        raise ValueError("predictions and items do not match one to one in every demonstration set")
    table = {}
    for task in dict.fromkeys(item.task for item in items):
        own = [item for item in items if item.task == task]
        metric = METRICS[own[0].metric]
        answers = [[said[item.id, s].parsed for item in own] for s in sets]
        table[task] = Counts(
            metric.name,
            np.stack([np.stack([*map(metric.counts, own, row)]) for row in answers]),
            float(np.mean([answer is not None for row in answers for answer in row])),
        )
    return table


def macro(table: Table) -> float:
    """Returns the macro score over the tasks of `table`, as `Bootstrap.score`, without interval."""
    return _mean(map(_point, table.values()))


class Bootstrap:
    """Resample weights for the tasks of a run, drawn once and shared by all its systems.

    The weights of a task depend on its name, its size and the random seed alone: a task more or
    less changes nothing for the others.

    Args:
        task_sizes: number of items by task.
        resamples: number of bootstrap samples.
        random_seed: of the run.
        drawn_with: by task, a name under which its demonstration sets are resampled. Tasks of one
            name share the draws: where a "set" is a run, it is one and the same for all of them.
            By default each task has draws of its own.
    """

    def __init__(
        self,
        task_sizes: Mapping[str, int],
        resamples: int = 2000,
        random_seed: int = 0,
        drawn_with: Mapping[str, str] | None = None,
    ) -> None:
        self.task_sizes = dict(task_sizes)
        self.resamples = resamples
        self.random_seed = random_seed
        self._drawn_with = dict(drawn_with or {})
        self._weights: dict[tuple[str, str, int], Floats] = {}

    def score(self, table: Table) -> Score:
        """Returns the macro score over the tasks of `table`, with its interval.

        With several demonstration sets a task's score is the mean of its scores over the sets;
        where these are of several runs, the mean over runs of each run's mean.

        Raises:
            ValueError: if a task is unknown or has another number of items.
        """
        tasks = {task: _point(counts) for task, counts in table.items()}
        value = macro(table)
        low, high = interval(value, self._samples(table), self._left_out(table))
        known = [c.parsable for c in table.values() if c.parsable is not None]
        return Score(
            value=value,
            low=max(low, 0.0),
            high=min(high, 1.0),
            n=sum(counts.values.shape[1] for counts in table.values()),
            parsable=_mean(known) if known else None,
            tasks=tasks,
        )

    def gain(self, table: Table, baseline: Table) -> Gain:
        """Returns score(table) − score(baseline) with the interval of the paired difference.

        Raises:
            ValueError: if the two were not asked the same tasks with the same metrics.
        """
        if {t: c.metric for t, c in table.items()} != {t: c.metric for t, c in baseline.items()}:
            raise ValueError("a gain needs the same tasks and metrics on both sides")
        mean = _mean(map(_point, table.values())) - _mean(map(_point, baseline.values()))
        samples = self._samples(table) - self._samples(baseline)
        effects = difference(self._left_out(table), self._left_out(baseline))
        low, high = interval(mean, samples, effects)
        return Gain(mean, max(low, -1.0), min(high, 1.0))

    def each(self, table: Table) -> list[float]:
        """Returns the macro score of every demonstration set, or of every run."""
        scores = [_scores(counts) for counts in table.values()]
        return [_mean(own[draw] for own in scores) for draw in range(min(map(len, scores)))]

    def spread(self, table: Table) -> float | None:
        """Returns the standard deviation of `each`, if there are several."""
        each = self.each(table)
        return float(np.std(each, ddof=1)) if len(each) > 1 else None

    def _samples(self, table: Table) -> Floats:
        """Returns the macro score of every resample: [resamples]."""
        each = np.stack([self._task(task, counts) for task, counts in table.items()])
        return np.asarray(each.mean(axis=0))

    def _task(self, task: str, counts: Counts) -> Floats:
        n = counts.values.shape[1]
        if self.task_sizes.get(task) != n:
            known = self.task_sizes.get(task, 0)
            raise ValueError(f"task {task}: {n} items, but the bootstrap was made for {known}")
        sums = self._draw(task, "items", n) @ counts.values  # [sets, resamples, k]
        each = _by_draw(METRICS[counts.metric].value(sums, float(n)), counts)  # [draws, resamples]
        over_sets = self._draw(self._drawn_with.get(task, task), "sets", len(each)) / len(each)
        return np.asarray(np.einsum("rs,sr->r", over_sets, each))

    def _draw(self, name: str, what: str, n: int) -> Floats:
        """Returns how much each of n counts in each resample: [resamples, n]; rows sum to n."""
        key = (name, what, n)
        if key not in self._weights:
            entropy = [self.random_seed, zlib.crc32(f"{what}/{name}".encode()), n]
            draw, drawn = np.random.default_rng(entropy), max(n - 1, 1)
            times = draw.multinomial(drawn, [1 / n] * n, size=self.resamples)
            self._weights[key] = times.astype(float) * (n / drawn)
        return self._weights[key]

    def _left_out(self, table: Table) -> Effects:
        """Returns by how much the macro score falls when one item, or one set, is left out.

        What is drawn together is left out together. Of one item alone nothing can be left out;
        what it adds to the spread is not known.
        """
        effects: Effects = {}
        for task, counts in table.items():
            n, metric = counts.values.shape[1], METRICS[counts.metric]
            sums = counts.values.sum(axis=1, keepdims=True)
            whole = _by_draw(metric.value(sums, float(n)), counts) / len(table)  # [draws, 1]
            if n > 1:
                without = metric.value(sums - counts.values, n - 1.0)
                effects[task, "items", n] = whole - _by_draw(without, counts) / len(table)
            if (draws := len(whole)) > 1:
                key = (self._drawn_with.get(task, task), "sets", draws)
                fall = (whole - whole.mean()).T / (draws - 1)
                effects[key] = np.asarray(effects.get(key, 0.0) + fall)
        return effects


def _by_draw(values: Floats, counts: Counts) -> Floats:
    """Returns what demonstration sets have [sets, ...] as means over what is drawn together."""
    if not counts.runs:
        return values
    of = np.array(counts.runs)
    return np.stack([values[of == run].mean(axis=0) for run in dict.fromkeys(counts.runs)])


def _scores(counts: Counts) -> Floats:
    """Returns a task's score in every demonstration set, or every run: [draws]."""
    n = float(counts.values.shape[1])
    return _by_draw(METRICS[counts.metric].value(counts.values.sum(axis=1), n), counts)


def _point(counts: Counts) -> float:
    return float(_scores(counts).mean())


def _mean(values: Iterable[float]) -> float:
    return float(np.mean([*values]))
