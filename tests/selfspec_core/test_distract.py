"""Training rows with passages: own ones, distractors, and neither."""

from __future__ import annotations

import pytest

from selfspec_core import Context, Example, Passage, Retriever
from selfspec_core.config import Settings
from selfspec_core.stages.distract import with_passages


class Shelf(Retriever):
    name, summary = "shelf", "one text an id"

    def passages(self, ids):
        return [Passage(i, f"Text of {i}.", "a shelf") for i in ids]


def example(number, *passages):
    return Example(
        str(number), "t", "open_qa", "Do it.", f"Input {number}.", "x", 1, 0, passages=passages
    )


EXAMPLES = [example(n, f"p{n}", f"q{n}") for n in range(40)]


def rows(retriever=None, **retrieval):
    settings = Settings.model_validate({"retrieval": retrieval})
    return with_passages(EXAMPLES, Context("d", None, settings, (), retriever=retriever))


def test_without_the_setting_nothing_changes():
    assert rows(Shelf()) == EXAMPLES
    assert rows(None, distractors=2) == EXAMPLES


def test_own_passages_stand_among_distractors():
    for before, after in zip(EXAMPLES, rows(Shelf(), distractors=2, own_share=1.0), strict=True):
        *shown, last = after.input.split("\n")
        assert last == before.input and len(set(shown)) == 4
        assert {f"Text of {id_}." for id_ in before.passages} < set(shown)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 8, 32)])
def test_a_share_of_rows_sees_distractors_alone(share, low, high):
    made = rows(Shelf(), distractors=3, own_share=share)
    own = [
        f"Text of {before.passages[0]}." in after.input
        for before, after in zip(EXAMPLES, made, strict=True)
    ]
    assert low <= sum(own) <= high


def test_the_order_and_the_draw_are_fixed_by_the_random_seed():
    assert rows(Shelf(), distractors=2) == rows(Shelf(), distractors=2)


def test_an_example_without_passages_is_left_alone():
    settings = Settings.model_validate({"retrieval": {"distractors": 2}})
    context = Context("d", None, settings, (), retriever=Shelf())
    assert with_passages([example(1)], context) == [example(1)]
