"""What counts as agreement, shown on logits that are given."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from selfspec_core.errors import SelfspecError
from selfspec_core.progress import Silent
from selfspec_plugins.export.parity import Golden, Prompt, compare

PROMPT = Prompt("Say it", "", "Say it:")
EXPECTED = torch.tensor([[3.0, 1.0, -1.0, 0.0], [2.0, 1.99, -3.0, 0.0]])
GOLDEN = Golden(PROMPT, [1, 2, 3], [0, 0], EXPECTED)


def model(*rows):
    """Returns a model with these logits at the last places."""

    def call(input_ids, use_cache):
        assert input_ids.tolist() == [[1, 2, 3, 0]]
        logits = torch.cat([torch.full((2, len(rows[0])), 9.0), torch.tensor(rows)])
        return SimpleNamespace(logits=logits[None])

    call.device = "cpu"
    return call


def compared(*rows, tokens=(1, 2, 3), tolerance=0.1):
    read = {"read": lambda prompt: list(tokens)}
    return compare("x", model(*rows), read["read"], [GOLDEN], tolerance, Silent())


def test_the_same_logits_agree():
    found = compared(*EXPECTED.tolist())
    assert (found["prompts"], found["tokens"], found["near_ties"]) == (1, 2, 0)
    assert found["largest_difference"] == 0


def test_rows_of_padding_do_not_count():
    assert compared(*(row + [50.0] for row in EXPECTED.tolist()))["largest_difference"] == 0


def test_a_difference_is_counted_in_standard_deviations():
    off = EXPECTED.clone()
    off[0, 2] += 0.05
    expected = 0.05 / EXPECTED[0].std().item()
    assert compared(*off.tolist())["largest_difference"] == pytest.approx(expected, rel=1e-2)


def test_another_token_passes_at_a_near_tie_alone():
    tied = EXPECTED.clone()
    tied[1, :2] = torch.tensor([1.98, 2.0])
    assert compared(*tied.tolist())["near_ties"] == 1
    with pytest.raises(SelfspecError, match=r"token 2 of the answer: token 1 instead of 0, logits"):
        compared(*tied.tolist(), tolerance=0.001)
    clear = EXPECTED.clone()
    clear[0, 1] = 3.5
    with pytest.raises(SelfspecError, match="prompt 1 of 1 .'Say it'.: token 1 of the answer"):
        compared(*clear.tolist(), tolerance=0.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_fails(value):
    broken = EXPECTED.clone()
    broken[1, 3] = value
    with pytest.raises(SelfspecError, match="token 2 of the answer"):
        compared(*broken.tolist())


@pytest.mark.parametrize(
    ("tokens", "place"), [((1, 9, 3), 1), ((1, 2), 2), ((1, 2, 3, 4), 3), ((0, 1, 2, 3), 0)]
)
def test_a_prompt_read_otherwise_fails(tokens, place):
    with pytest.raises(SelfspecError, match=f"read as other tokens from place {place}"):
        compared(*EXPECTED.tolist(), tokens=tokens)
