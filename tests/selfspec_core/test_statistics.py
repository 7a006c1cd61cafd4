"""Bootstrap intervals: right points, honest coverage, paired differences."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from selfspec_core.measures.statistics import (
    LEAST_ITEMS,
    Bootstrap,
    Counts,
    Gain,
    conclusion,
    macro,
    tabulate,
)
from selfspec_core.types import Item, Prediction


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


def test_tasks_weigh_the_same():
    table = {"small": counts([1, 1]), "large": counts([0] * 200)}
    assert Bootstrap({"small": 2, "large": 200}).score(table).value == 0.5 == macro(table)


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
