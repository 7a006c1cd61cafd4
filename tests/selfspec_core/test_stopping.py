"""The rules that end the loop and the round it keeps, on made-up results."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.config import RoundsSettings
from selfspec_core.stopping import DevGain, RoundResult, best, on_dev, why_stop

LIMITS = RoundsSettings(max=5, instructions="renew")
VARIED = {"texts": 90, "distinct_1": 0.5, "distinct_2": 0.8, "new_ngrams": 0.9, "nearest_mean": 0.3}
FIRST = RoundResult(1, "specialized@0", 0.30, DevGain("base-best@0", 0.1, 0.05, 0.15), VARIED)


def second(mean=0.02, high=0.06, collateral=None, dev=0.32, **varied):
    gain = DevGain("round 1", mean, mean - 0.05, high)
    return RoundResult(2, "specialized@0", dev, gain, VARIED | varied, collateral or {})


def test_a_gain_that_may_be_more_than_the_margin_goes_on():
    assert why_stop([FIRST], LIMITS) is None
    assert why_stop([FIRST, second(mean=-0.02, high=0.011)], LIMITS) is None


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (second(high=0.009), "its dev gain over round 1 is at most +0.009, under rounds.margin"),
        (second(distinct_2=0.5), "distinct-2 fell from 0.800 to 0.500, under rounds.distinct"),
        (second(new_ngrams=0.05), "5 % of its three-word runs are new, under rounds.new_ngrams"),
        (second(nearest_mean=0.45), "nearest neighbours drew nearer by 0.150, over rounds.drift"),
        (
            second(collateral={"law": {"mean": -0.05, "low": -0.09, "high": -0.02}}),
            "on law at least 0.020 is lost, over rounds.collateral",
        ),
    ],
)
def test_each_rule_alone_ends_the_loop_and_says_so(result, why):
    said = why_stop([FIRST, result], LIMITS)
    assert said.startswith("after round 2: ") and why in said and ";" not in said


def test_two_reasons_are_both_said():
    said = why_stop([FIRST, second(high=0.0, new_ngrams=0.0)], LIMITS)
    assert said.count(";") == 1 and "rounds.margin" in said and "rounds.new_ngrams" in said


def test_kept_instructions_cannot_collapse():
    keep = LIMITS.model_copy(update={"instructions": "keep"})
    assert why_stop([FIRST, second(distinct_2=0.1, new_ngrams=0.0)], keep) is None


def test_a_fixed_number_of_rounds_is_had_by_a_margin_that_no_gain_is_under():
    forced = LIMITS.model_copy(update={"margin": -1.0, "max": 3})
    assert why_stop([FIRST, second(mean=-1.0, high=-1.0)], forced) is None
    RoundsSettings(margin=-1.0)


def test_collateral_and_missing_dev_items_end_it_after_the_first_round():
    harm = {"law": {"mean": -0.05, "low": -0.09, "high": -0.02}}
    assert "on law" in why_stop([replace(FIRST, collateral=harm)], LIMITS)
    unseen = RoundResult(1, "specialized@0")
    assert why_stop([unseen], LIMITS) == "after round 1: no dev items to tell rounds apart by"
    assert why_stop([unseen], RoundsSettings()) == "after round 1: rounds.max = 1"


def test_only_dev_items_of_other_fields_may_stop():
    gain = {"mean": -0.05, "low": -0.09, "high": -0.02}
    found = {"law": {"dev": gain, "test": gain}, "general": {"test": gain}}
    assert on_dev(found) == {"law": gain}
    assert on_dev({}) == {}


def test_harm_that_may_be_within_the_limit_is_no_reason():
    unclear = {"law": {"mean": -0.05, "low": -0.12, "high": 0.02}}
    assert why_stop([FIRST, second(collateral=unclear)], LIMITS) is None


def test_a_round_that_does_harm_is_kept_only_where_there_is_no_other():
    harm = {"law": {"mean": -0.05, "low": -0.09, "high": -0.02}}
    worse = second(collateral=harm)
    assert best([FIRST, worse], LIMITS) is FIRST
    assert best([worse], LIMITS) is worse


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_the_best_on_dev_is_kept_and_the_earlier_of_equals(scores):
    results = [RoundResult(n, "specialized@0", dev) for n, dev in enumerate(scores, 1)]
    kept = best(results, LIMITS)
    assert kept.dev == max(scores)
    assert all(result.dev < kept.dev for result in results[: kept.round - 1])


@given(st.integers(1, 6), st.floats(-1, 1))
def test_the_loop_always_ends_at_its_most_rounds(most, high):
    limits = LIMITS.model_copy(update={"max": most})
    results = [FIRST]
    while why_stop(results, limits) is None:
        results.append(replace(second(high=high), round=len(results) + 1))
    assert len(results) <= most
    assert (len(results) == most) or high < limits.margin
