"""`figures_follow`: figures of an answer are in the input or worked out from it."""

import pytest

from selfspec_core import Example
from selfspec_finance.filters import FiguresFollow, follows

TABLE = "Revenue | 1,240 | 1,100\nCost | 820 | 760 (in millions; 2024 and 2023)"


def kept(output: str, text: str = TABLE) -> bool:
    row = Example("1", "table_qa", "numeric", "Answer.", text, output, 1, 0)
    (verdict,) = FiguresFollow().judge([row], None)  # type: ignore[arg-type]
    return verdict.keep


@pytest.mark.parametrize(
    "answer",
    ["1,240", "$140 million", "12.7 percent", "420", "33.9 percent", "none", "3,160"],
)
def test_what_follows_is_kept(answer: str) -> None:
    assert kept(answer)


@pytest.mark.parametrize("answer", ["1,247", "77.77 percent", "$9 billion"])
def test_what_does_not_follow_is_rejected(answer: str) -> None:
    assert not kept(answer)


def test_digits_shown_decide() -> None:
    assert follows("12.7", ["1240", "1100"])
    assert not follows("12.6", ["1240", "1100"])
