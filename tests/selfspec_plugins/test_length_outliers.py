"""Length outliers: bounds from seeds and what was kept; a restart judges alike."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core import Context, Example, Seed
from selfspec_core.config import Settings
from selfspec_plugins.length_outliers import LengthOutliers, LengthOutliersSettings

STARTING = [Seed(f"s{n}", "who", "open_qa", "Who?", "w " * (8 + n), "a b") for n in range(5)]


def context(seeds=STARTING):
    return Context("d", None, Settings(), seeds)


def example(words, output="a b", task="who", number=0):
    return Example(f"e{number}", task, "open_qa", "Who?", "w " * words, output, 1, 0)


def reason(filter, row):
    (verdict,) = filter.judge([row], context())
    assert verdict.keep == (not verdict.reason)
    return verdict.reason


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (example(10), ""),
        (example(12), ""),  # 2 SD of 8..12 are 2.83 words
        (example(13), "input unusually long"),
        (example(7), "input unusually short"),
        (example(10, "a b c d"), ""),  # within the slack of two words
        (example(10, "a b c d e"), "output unusually long"),
        (example(99, task="new"), ""),  # nothing is known of the task
    ],
)
def test_reasons(row, expected):
    assert reason(LengthOutliers(), row) == expected


def test_evidence_and_settings():
    (verdict,) = LengthOutliers().judge([example(30)], context())
    assert verdict.evidence == "30 words; mean 10.0, SD 1.4"
    wide = LengthOutliers(LengthOutliersSettings(deviations=20))
    assert reason(wide, example(30)) == ""


lengths = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20), st.sampled_from("ab")))


@given(lengths, st.integers(0, 40))
def test_restoring_changes_nothing_and_the_rule_holds(drawn, cut):
    rows = [example(n, "o " * out, task, i) for i, (n, out, task) in enumerate(drawn)]
    seeds = [Seed(s.id, "a", s.kind, s.instruction, s.input, s.output) for s in STARTING]
    whole, parts = LengthOutliers(), LengthOutliers()
    verdicts = whole.judge(rows, context(seeds))
    assert len(verdicts) == len(rows)

    known = {("a", "input"): [len(s.input.split()) for s in seeds], ("a", "output"): [2] * 5}
    for row, verdict in zip(rows, verdicts, strict=True):  # the rule again, in its own words
        own = {"input": len(row.input.split()), "output": len(row.output.split())}
        kept = True
        for part, length in own.items():
            before = known.setdefault((row.task, part), [])
            if len(before) >= 5:
                kept &= abs(length - fmean(before)) <= max(2 * pstdev(before), 2) + 1e-9
        assert verdict.keep == kept
        for part, length in own.items():
            known[row.task, part] += [length] * kept

    parts.restore(rows[:cut], context(seeds))
    assert parts.judge(rows[cut:], context(seeds)) == verdicts[cut:]
