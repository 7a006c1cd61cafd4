"""The balance filter: no label runs away, and a restart counts alike."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from selfspec_core import Example
from selfspec_plugins.balance import Balance, BalanceSettings

CHOICES = ("up", "down", "flat")


def example(label: str, number: int = 0) -> Example:
    return Example(
        f"e{number}", "tone", "classification", "Tone?", "It rose.", label, 1, 0, CHOICES
    )


@given(st.lists(st.sampled_from(CHOICES)), st.integers(0, 30))
def test_bound_holds_and_restoring_changes_nothing(labels: list[str], cut: int) -> None:
    rows = [example(label) for label in labels]
    whole, parts = (
        Balance(BalanceSettings(start=2, ratio=1.0)),
        Balance(BalanceSettings(start=2, ratio=1.0)),
    )
    verdicts = whole.judge(rows, None)
    kept = Counter(row.output for row, verdict in zip(rows, verdicts, strict=True) if verdict.keep)
    assert max(kept.values(), default=0) <= 2 + min(kept[choice] for choice in CHOICES)
    parts.restore(rows[:cut], None)
    assert parts.judge(rows[cut:], None) == verdicts[cut:]


def test_open_kinds_pass() -> None:
    row = Example("e", "who", "open_qa", "Who?", "Ann ran.", "Ann", 1, 0)
    assert all(verdict.keep for verdict in Balance().judge([row] * 50, None))
