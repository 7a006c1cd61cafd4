"""Ends of intervals: as scipy has them, wider where that is too narrow, and simulated."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from selfspec_core.measures.intervals import interval
from selfspec_core.measures.metrics import METRICS
from selfspec_core.measures.statistics import Bootstrap, Counts

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def counts(values):
    """Accuracy counts from right/wrong of shape [items] or [sets, items]."""
    return Counts("accuracy", np.atleast_2d(np.asarray(values, float))[..., None])


def scipy_ends(samples, statistic):
    """Returns the outermost ends of scipy's percentile and BCa intervals."""
    both = [
        stats.bootstrap(
            samples, statistic, n_resamples=6000, method=method, rng=np.random.default_rng(5)
        ).confidence_interval
        for method in ("percentile", "BCa")
    ]
    return min(one.low for one in both), max(one.high for one in both)


def macro(*samples, axis):
    return sum(sample.mean(axis=axis) for sample in samples) / len(samples)


@pytest.mark.parametrize("gained", [0.02, 0.3])
def test_ends_are_the_outer_ones_of_scipys_percentile_and_bca(gained):
    draw = np.random.default_rng(6)
    sizes = {"a": 150, "b": 250, "c": 200}
    base = {task: draw.random(n) < 0.4 for task, n in sizes.items()}
    ours = {task: right | (draw.random(len(right)) < gained) for task, right in base.items()}
    gain = Bootstrap(sizes, 6000).gain(
        {task: counts(right) for task, right in ours.items()},
        {task: counts(right) for task, right in base.items()},
    )
    fewer = [ours[task].astype(float) - base[task] for task in sizes]
    width = gain.high - gain.low
    assert (gain.low, gain.high) == pytest.approx(scipy_ends(fewer, macro), abs=0.04 * width)


@pytest.mark.parametrize("metric", ["macro_f1", "set_f1"])
def test_ends_of_f1_are_those_of_scipy_where_items_are_many(metric):
    draw, value = np.random.default_rng(7), METRICS[metric].value
    table = draw.poisson(0.5, size=(300, 9 if metric == "macro_f1" else 3)).astype(float)
    score = Bootstrap({"t": 300}, 6000).score({"t": Counts(metric, table[None])})

    def drawn(rows, axis):
        return value(table[rows].sum(axis=-2), 300.0)

    low, high = scipy_ends((np.arange(300),), drawn)
    assert (score.low, score.high) == pytest.approx((low, high), abs=0.04 * (high - low))


def test_the_spread_of_a_small_sample_is_not_too_small():
    values = np.array([0, 1, 1, 0, 1, 1.0])
    samples = Bootstrap({"t": 6}, 40_000)._samples({"t": counts(values)})
    assert samples.std() == pytest.approx(values.std(ddof=1) / 6**0.5, rel=0.02)  # not ddof=0


def test_sets_that_are_drawn_together_do_not_average_out():
    draw = np.random.default_rng(8)
    luck = draw.normal(0, 0.1, size=(4, 1))  # of a set, the same in every task
    table = {str(t): counts(draw.random((4, 100)) < 0.5 + luck) for t in range(8)}
    sizes = dict.fromkeys(table, 100)
    apart = Bootstrap(sizes).score(table)
    together = Bootstrap(sizes, drawn_with=dict.fromkeys(table, "run")).score(table)
    assert together.high - together.low > 1.5 * (apart.high - apart.low)
    assert together.value == apart.value


two_systems = st.lists(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=12),
    min_size=1,
    max_size=3,
)


@settings(max_examples=60, deadline=None)
@given(two_systems)
def test_an_interval_holds_its_estimate_and_turns_round_with_the_systems(tasks):
    sizes = {str(number): len(items) for number, items in enumerate(tasks)}
    a, b = (
        {
            task: counts([item[which] for item in items])
            for task, items in zip(sizes, tasks, strict=True)
        }
        for which in (0, 1)
    )
    bootstrap = Bootstrap(sizes, 200)
    gain, loss = bootstrap.gain(a, b), bootstrap.gain(b, a)
    assert -1 <= gain.low <= gain.mean <= gain.high <= 1
    assert (loss.mean, loss.low, loss.high) == pytest.approx((-gain.mean, -gain.high, -gain.low))
    low, high = np.quantile(bootstrap._samples(a) - bootstrap._samples(b), (0.025, 0.975))
    assert gain.low <= low + 1e-9 and high - 1e-9 <= gain.high  # only ever wider


def test_a_long_tail_moves_the_end_on_its_side():
    draw = np.random.default_rng(9)
    samples, few = draw.gamma(4, 1, 4000), np.array([-4.0, *[0.1] * 40])
    ends = [interval(3.6, samples, {("t", "items", 41): few[None] * by}) for by in (0.1, -0.1)]
    low, high = np.quantile(samples, (0.025, 0.975))
    assert ends[0][0] < low and ends[0][1] == pytest.approx(high)
    assert ends[1][1] > high


def missed(metric, gain, churn):
    """Simulates eight tasks of 30 items: shares of intervals above the truth, and below it."""
    world = import_module("coverage")
    case = world.Case("", gain, churn)
    return world.simulate(metric, case, 8, 30, pairs=400, resamples=300, chunks=5)[1:3]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "set_f1"])
def test_an_interval_holds_a_sparse_gain_as_often_as_it_says(metric, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    assert sum(missed(metric, 0.05, 0.0)) < 0.07  # plain percentile intervals: 0.077 to 0.098


def test_an_interval_over_runs_is_neither_too_narrow_nor_twice_too_wide(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    covered, *_ = import_module("coverage").simulate_runs(3, 0.01, 8, 30, pairs=300, resamples=300)
    assert 0.92 < covered < 0.975  # with everything counted that is drawn twice: 0.985


def test_no_gain_is_seldom_taken_for_one(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    assert missed("macro_f1", 0.0, 0.5)[0] < 0.045
