"""Closed choices weighed: what a model leans to is taken out, and written answers are not asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core import Capabilities, Context, Domain, Instruction, Model, Seed
from selfspec_core.assembly.resolve import resolve
from selfspec_plugins.few_shot import FewShot
from selfspec_plugins.weighing import calibrated

SEEDS = [
    Seed(f"tone-{n}", "tone", "classification", "Tone?", f"Text {n}.", label, ("up", "down"))
    for n, label in enumerate(["up", "down"])
]
ROWS = [
    Instruction(f"r1-00000-{n:03d}", "tone", "classification", "Tone?", text, 1, 0, ("up", "down"))
    for n, text in enumerate(["It rose.", "It rose a bit.", "It fell a bit.", "It fell."])
]
RISES = {"It rose.": 2.0, "It rose a bit.": 1.0, "It fell a bit.": -1.0, "It fell.": -2.0}


class Leaning(Model):
    """Knows up from down, and prefers to say up by `bias` nats."""

    name, summary = "leaning", "says up too often"

    def __init__(self, bias: float, likelihood: bool = True) -> None:
        super().__init__()
        self.bias, self.likelihood = bias, likelihood

    @property
    def capabilities(self) -> Capabilities:
        return replace(Capabilities(), likelihood=self.likelihood)

    def generate(self, prompts: Sequence[str], sampling, progress=None) -> list[str]:
        return [" up"] * len(prompts)

    def loglikelihood(self, pairs, progress=None) -> list[float]:
        return [
            -9.0 + (RISES[prompt.splitlines()[-2].partition(": ")[2]] + self.bias) * (end == " up")
            for prompt, end in pairs
        ]


def answers(model: Model, rows: Sequence[Instruction] = ROWS, **settings: object) -> list[str]:
    context = Context(Domain(), model, resolve([("test", {"answer": settings})]), SEEDS)
    return [example.output for example in FewShot().answer(rows, 0, context)]


def test_the_likeliest_choice_is_taken_with_its_bias() -> None:
    assert answers(Leaning(3.0), closed="weigh") == ["up"] * 4
    assert answers(Leaning(0.0), closed="weigh") == ["up", "up", "down", "down"]


def test_calibration_takes_the_bias_out() -> None:
    assert answers(Leaning(3.0), closed="calibrate") == ["up", "up", "down", "down"]


def test_a_small_batch_is_weighed_as_it_is() -> None:
    """Of one prompt calibration would take everything away, and the first choice would win."""
    assert answers(Leaning(0.0), ROWS[3:], closed="calibrate") == ["down"]
    assert answers(Leaning(0.0), ROWS[:2], closed="calibrate") == ["up", "up"]


def test_choices_are_written_where_they_cannot_be_weighed() -> None:
    assert answers(Leaning(-3.0), closed="write") == ["up"] * 4
    assert answers(Leaning(-3.0, likelihood=False), closed="calibrate") == ["up"] * 4
    other = replace(ROWS[3], choices=("down", "up", "level"))
    assert answers(Leaning(-3.0), [*ROWS[:3], other], closed="calibrate") == ["up"] * 4
    open_row = replace(ROWS[0], kind="open_qa", choices=())
    assert answers(Leaning(-3.0), [open_row], closed="calibrate") == ["up"]


def test_a_weighed_answer_takes_the_place_of_the_label_that_was_asked_for() -> None:
    asked = [replace(row, label="down") for row in ROWS]
    said = answers(Leaning(3.0), asked, closed="calibrate", labels="replace")
    assert said == ["up", "up", "down", "down"]
    assert answers(Leaning(3.0), asked, closed="calibrate") == ["down"] * 4


@given(
    st.lists(st.lists(st.floats(-50, 0), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.floats(-20, 20), min_size=3, max_size=3),
)
def test_what_is_added_to_a_choice_everywhere_changes_nothing(rows, bias) -> None:
    """Normalised log-probabilities that lean one way lead to the same weights."""
    normal = calibrated(rows)
    leaning = calibrated([[w + b for w, b in zip(row, bias, strict=True)] for row in normal])
    differences = [
        [a - b for a, b in zip(one, other, strict=True)]
        for one, other in zip(normal, leaning, strict=True)
    ]
    for (
        row
    ) in differences:  # alike for all choices of a prompt, so the order of choices is the same
        assert row == pytest.approx([row[0]] * 3, abs=1e-6)
    for column in zip(*normal, strict=True):
        assert sum(column) == pytest.approx(0, abs=1e-6)
