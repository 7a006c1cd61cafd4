"""Bootstrap intervals: right points, honest coverage, paired differences."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from selfspec_core.intervals import interval
from selfspec_core.metrics import METRICS
from selfspec_core.statistics import (
    LEAST_ITEMS,
    Bootstrap,
    Counts,
    Gain,
    conclusion,
    tabulate,
)
from selfspec_core.types import Item, Prediction

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def counts(values):
    """Accuracy counts from right/wrong of shape [items] or [sets, items]."""
    return Counts("accuracy", np.atleast_2d(np.asarray(values, float))[..., None])


def test_interval_is_that_of_a_proportion():
    right = np.arange(400) % 4 == 0
    score = Bootstrap({"t": 400}).score({"t": counts(right)})
    margin = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert score.value == 0.25
    assert (score.low, score.high) == pytest.approx((0.25 - margin, 0.25 + margin), abs=0.006)
    assert score.n == 400 and score.tasks == {"t": 0.25}


def test_coverage_of_a_known_gain():
    draw = np.random.default_rng(0)
    bootstrap = Bootstrap({"a": 60, "b": 120}, resamples=400)
    hits = 0
    for _ in range(400):
        a, b = {}, {}
        for task, n in bootstrap.task_sizes.items():
            luck = draw.random(n)  # shared: both systems find the same items hard
            b[task], a[task] = counts(luck < 0.4), counts((luck < 0.4) | (draw.random(n) < 0.25))
        gain = bootstrap.gain(a, b)
        hits += gain.low <= 0.6 * 0.25 <= gain.high
    assert 0.92 <= hits / 400 <= 0.98


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


def test_tasks_weigh_the_same():
    table = {"small": counts([1, 1]), "large": counts([0] * 200)}
    assert Bootstrap({"small": 2, "large": 200}).score(table).value == 0.5


def test_pairing_narrows_the_interval_of_a_gain():
    draw = np.random.default_rng(1)
    before = draw.random(300) < 0.5
    after = before | (np.arange(300) < 30)
    bootstrap = Bootstrap({"t": 300})
    base, tuned = {"t": counts(before)}, {"t": counts(after)}
    gain = bootstrap.gain(tuned, base)
    assert gain.mean == pytest.approx((after.sum() - before.sum()) / 300)
    assert gain.low > 0
    alone = bootstrap.score(base)
    assert gain.high - gain.low < (alone.high - alone.low) / 2
    same = bootstrap.gain(base, base)
    assert (same.mean, same.low, same.high) == (0, 0, 0)


def test_metric_is_recomputed_inside_each_resample():
    draw = np.random.default_rng(2)
    values = draw.integers(0, 3, size=(1, 50, 3)).astype(float)
    score = Bootstrap({"t": 50}, 500).score({"t": Counts("set_f1", values)})
    tp, fp, fn = values[0].sum(0)
    assert score.value == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert score.low < score.value < score.high


def test_demonstration_sets_widen_the_interval():
    right = np.array([[1] * 100, [0] * 100])
    bootstrap = Bootstrap({"t": 100})
    score = bootstrap.score({"t": counts(right)})
    assert (score.value, score.low, score.high) == (0.5, 0, 1)
    assert bootstrap.spread({"t": counts(right)}) == pytest.approx(np.std([1, 0], ddof=1))
    assert bootstrap.spread({"t": counts(right[0])}) is None
    same = bootstrap.score({"t": counts([[1, 0] * 50] * 2)})
    once = bootstrap.score({"t": counts([1, 0] * 50)})
    assert (same.low, same.high) == pytest.approx((once.low, once.high))


def test_same_seed_same_interval_whatever_else_is_asked():
    table = {"t": counts([1, 0, 1, 1, 0])}
    alone = Bootstrap({"t": 5}, random_seed=3).score(table)
    beside = Bootstrap({"u": 9, "t": 5}, random_seed=3)
    beside.score({"u": counts([1] * 9)})
    assert beside.score(table) == alone
    assert Bootstrap({"t": 500}).score({"t": counts([1, 0] * 250)}) != Bootstrap(
        {"t": 500}, random_seed=1
    ).score({"t": counts([1, 0] * 250)})


def test_mismatches_are_refused():
    bootstrap = Bootstrap({"t": 5})
    with pytest.raises(ValueError, match="4 items"):
        bootstrap.score({"t": counts([1] * 4)})
    with pytest.raises(ValueError, match="same tasks"):
        bootstrap.gain({"t": counts([1] * 5)}, {})


@pytest.mark.parametrize(
    ("gain", "fewest", "said"),
    [
        ((0.3, 0.1, 0.5), 12, "better"),
        ((-0.3, -0.5, -0.1), 12, "worse"),
        ((0.1, -0.1, 0.3), 12, "no clear difference"),
        ((0.0, 0.0, 0.0), 240, "no clear difference"),  # the same answers
        ((0.3, 0.1, 0.5), 11, "no verdict: under 12 items in a task"),
        ((1.0, 1.0, 1.0), 240, "no verdict: all items differ alike"),
        ((-0.1, -0.1, -0.1 + 1e-17), 240, "no verdict: all items differ alike"),
    ],
)
def test_a_conclusion_needs_items_and_an_interval(gain, fewest, said):
    assert conclusion(Gain(*gain), fewest) == said


def shares(sizes, better, fewest=None, trials=500):
    """Simulates pairs of systems: {conclusion: share of the pairs}.

    Args:
        better: how much likelier the first system is to be right than the second, with 0.4.
        fewest: what the guard is told; by default the truth.
    """
    draw = np.random.default_rng(4)
    bootstrap = Bootstrap({str(n): size for n, size in enumerate(sizes)}, resamples=400)
    said = Counter()
    for _ in range(trials):
        a, b = (
            {task: counts(draw.random(n) < right) for task, n in bootstrap.task_sizes.items()}
            for right in (0.4 + better, 0.4)
        )
        said[conclusion(bootstrap.gain(a, b), fewest or min(sizes))] += 1
    return {words: count / trials for words, count in said.items()}


def test_a_conclusion_on_the_fewest_items_is_seldom_wrong():
    said = shares([LEAST_ITEMS], 0, trials=1000)
    assert said["better"] + said["worse"] < 0.085


def test_a_real_gain_is_found():
    assert shares([LEAST_ITEMS] * 5, 0.3)["better"] > 0.9


def test_a_task_of_one_item_leaves_no_conclusion():
    assert shares([1, 23], 0) == {"no verdict: under 12 items in a task": 1}
    unguarded = shares([1, 23], 0, fewest=LEAST_ITEMS)  # what the mean of the sizes would let by
    assert unguarded["better"] + unguarded["worse"] > 0.3


def test_tabulate():
    items = [
        Item(str(i), task, "yesno", "", "q", ("yes",), "accuracy", ("yes", "no"))
        for i, task in enumerate("aba")
    ]
    said = [
        Prediction("s", str(i), "", parsed, demo_set)
        for demo_set, row in enumerate([("yes", "no", None), ("yes", "yes", "yes")])
        for i, parsed in enumerate(row)
    ]
    table = tabulate(items, reversed(said))
    assert table["a"].values[..., 0].tolist() == [[1, 0], [1, 1]]
    assert table["b"].values[..., 0].tolist() == [[0], [1]]
    assert table["a"].parsable == 0.75
    score = Bootstrap({"a": 2, "b": 1}).score(table)
    assert score.value == pytest.approx((0.75 + 0.5) / 2)
    assert score.parsable == pytest.approx((0.75 + 1) / 2)
    with pytest.raises(ValueError, match="do not match"):
        tabulate(items, said[:-1])
    with pytest.raises(ValueError, match="two predictions"):
        tabulate(items, [*said, said[0]])
