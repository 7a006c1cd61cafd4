"""`python tests/benchmarks/coverage.py`: how often the 95 % interval of a gain holds the true gain.

Pairs of systems answer simulated items; each pair goes through `Bootstrap.gain` as a run's systems
do. Both systems start from the same answers. With a *gain*, a share of the items is answered
perfectly by the first: a quarter of them (dense), or few enough that about 3 % of all items change
(sparse), alone or beside *churn*, items that are answered anew by chance. With no gain there is
churn alone. The true gain is that of four million items.

With `--runs` a system stands for several runs, as in `pooled.py`: accuracy, a true gain of .1 whose
size varies from run to run, by one amount for all tasks and by half as much for each of its own.

Prints a table: coverage, intervals that lie above the truth and below it, all in percent, and the
mean width. With no gain, the share above the truth is P(low > 0). Two thousand pairs a line: the
standard error of a coverage of 95 % is 0.5 points. A thousand resamples a pair, half of a run's.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from selfspec_core.measures.metrics import METRICS
from selfspec_core.measures.statistics import Bootstrap, Counts

Draw = np.random.Generator
Array = NDArray[np.float64]
SHARED = 20  # pairs that share the bootstrap's weights, as the systems of a run do
CHOICES = np.array([0.5, 0.3, 0.2])


@dataclass(frozen=True)
class Case:
    """Shares of the items that the first system answers perfectly, and anew."""

    name: str
    gain: float
    churn: float


CASES = (
    Case("dense gain", 0.25, 0.0),
    Case("dense gain, churn", 0.25, 0.25),
    Case("sparse gain", 0.05, 0.0),
    Case("sparse gain, churn", 0.05, 0.1),
    Case("no gain, all anew", 0.0, 1.0),
    Case("no gain, half anew", 0.0, 0.5),
    Case("no gain, 6 % anew", 0.0, 0.06),
)


def accuracy(draw: Draw, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    """Returns counts [..., k] of two average systems and of a perfect one."""
    return (
        *((draw.random((*shape, 1)) < 0.4).astype(float) for _ in range(2)),
        np.ones((*shape, 1)),
    )


def macro_f1(draw: Draw, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    gold = draw.choice(len(CHOICES), p=CHOICES, size=shape)

    def answered(right: float) -> Array:
        other = (gold + draw.integers(1, len(CHOICES), size=shape)) % len(CHOICES)
        said = np.where(draw.random(shape) < right, gold, other)
        is_gold, is_said = (one[..., None] == np.arange(len(CHOICES)) for one in (gold, said))
        kinds = (is_gold & is_said, ~is_gold & is_said, is_gold & ~is_said)
        return np.stack(kinds, -1).reshape(*shape, -1).astype(float)

    return answered(0.4), answered(0.4), answered(1.0)


def set_f1(draw: Draw, shape: tuple[int, ...]) -> tuple[Array, Array, Array]:
    gold = draw.integers(0, 4, size=shape)

    def answered(right: float, wrong: float) -> Array:
        found = draw.binomial(gold, right)
        return np.stack([found, draw.poisson(wrong, shape), gold - found], -1).astype(float)

    return answered(0.4, 0.8), answered(0.4, 0.8), answered(1.0, 0.0)


WORLDS: dict[str, Callable[[Draw, tuple[int, ...]], tuple[Array, Array, Array]]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "set_f1": set_f1,
}


def pair(metric: str, case: Case, draw: Draw, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Returns the counts of two systems over the same items."""
    base, anew, perfect = WORLDS[metric](draw, shape)
    churned = draw.random((*shape, 1)) < case.churn
    gained = draw.random((*shape, 1)) < case.gain
    return np.where(gained, perfect, np.where(churned, anew, base)), base


def true_gain(metric: str, case: Case, chunks: int, size: int = 100_000) -> float:
    if not case.gain:
        return 0.0
    draw = np.random.default_rng(99)
    sums = sum(
        np.stack([c.sum(0) for c in pair(metric, case, draw, (size,))]) for _ in range(chunks)
    )
    ours, theirs = METRICS[metric].value(np.asarray(sums), float(chunks * size))
    return float(ours - theirs)


def simulate(
    metric: str,
    case: Case,
    tasks: int,
    items: int,
    pairs: int,
    resamples: int = 1000,
    chunks: int = 40,
) -> tuple[float, float, float, float]:
    """Returns coverage, the shares above and below the truth, and the mean width."""
    draw, truth = np.random.default_rng([tasks, items]), true_gain(metric, case, chunks)
    sizes = {f"task {number}": items for number in range(tasks)}
    found = []
    for number in range(pairs):
        if number % SHARED == 0:
            bootstrap = Bootstrap(sizes, resamples, random_seed=number)
        ours, theirs = pair(metric, case, draw, (tasks, 1, items))
        tables = [
            {task: Counts(metric, counts) for task, counts in zip(sizes, each, strict=True)}
            for each in (ours, theirs)
        ]
        gain = bootstrap.gain(*tables)
        found.append((gain.low > truth + 1e-9, gain.high < truth - 1e-9, gain.high - gain.low))
    above, below, width = np.mean(np.array(found, float), axis=0)
    return 1 - above - below, above, below, width


def simulate_runs(
    runs: int, varies: float, tasks: int, items: int, pairs: int, resamples: int = 1000
) -> tuple[float, float, float, float]:
    """Returns the same for accuracy over several runs; the base answers alike in all of them."""
    draw, sizes = np.random.default_rng([runs, items]), {f"task {t}": items for t in range(tasks)}
    found = []
    for number in range(pairs):
        if number % SHARED == 0:
            bootstrap = Bootstrap(sizes, resamples, number, dict.fromkeys(sizes, "run"))
        hard = draw.random((tasks, 1, items)) * np.ones((runs, 1))
        of_run = draw.normal(0, varies, (1, runs, 1)) + draw.normal(0, varies / 2, (tasks, runs, 1))
        anew = np.where(draw.random(hard.shape) < 0.3, draw.random(hard.shape), hard)
        ours, theirs = anew < 0.5 + of_run, hard < 0.4
        tables = [
            {
                t: Counts("accuracy", c[..., None].astype(float))
                for t, c in zip(sizes, each, strict=True)
            }
            for each in (ours, theirs)
        ]
        gain = bootstrap.gain(*tables)
        found.append((gain.low > 0.1, gain.high < 0.1, gain.high - gain.low))
    above, below, width = np.mean(np.array(found, float), axis=0)
    return 1 - above - below, above, below, width


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1, 8, 12])
    parser.add_argument("--items", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--metrics", nargs="+", default=[*WORLDS], choices=WORLDS)
    parser.add_argument("--runs", type=int, nargs="*", default=[])
    options, start = parser.parse_args(), time.perf_counter()
    print("| tasks | items each | metric | case | coverage | above | below | width |")
    print("|---|---|---|---|---|---|---|---|")

    def line(head: str, found: tuple[float, float, float, float]) -> None:
        shares = " | ".join(f"{100 * share:.1f}" for share in found[:3])
        print(f"| {head} | {shares} | {found[3]:.3f} |", flush=True)

    for tasks, items in product(options.tasks, options.items):
        for metric, case in () if options.runs else product(options.metrics, CASES):
            head = f"{tasks} | {items} | {metric} | {case.name}"
            line(head, simulate(metric, case, tasks, items, options.pairs))
        for runs, varies in product(options.runs, (0.0, 0.01, 0.02)):
            head = f"{tasks} | {items} | accuracy | {runs} runs, SD {varies}"
            line(head, simulate_runs(runs, varies, tasks, items, options.pairs))
    print(f"\n{options.pairs} pairs a line, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
