"""`grounded`: extractive answers stand in the input or in a passage that was shown."""

from __future__ import annotations

import pytest

from selfspec_core import Context, Example, Passage, Retriever, Seed
from selfspec_core.config import Settings
from selfspec_plugins.grounded import Grounded, occurs

NEWS = "Harbor Steel earned $4.2 million, up 12 percent, said Mara Quill in Oslo."
MISSING = "answer not in the input"


class Shelf(Retriever):
    name, summary = "shelf", "two passages"
    texts = {"p1": "Acme makes anvils.", "p2": "Oslo is a city."}

    def passages(self, ids):
        return [Passage(i, self.texts[i], "a shelf") for i in ids]


def context(*seeds, retriever=None):
    return Context("d", None, Settings(), seeds, retriever=retriever)


def example(output, kind, text=NEWS, passages=()):
    return Example("1", "t", kind, "Do it.", text, output, 1, 0, passages=passages)


def reason(candidate, *seeds, retriever=None):
    (verdict,) = Grounded().judge([candidate], context(*seeds, retriever=retriever))
    return verdict.reason


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (example("Harbor Steel", "ner"), ""),
        (example("none", "ner"), ""),
        (example("Harbor Steel, Acme", "ner"), MISSING),
        (example("$4.2 million", "numeric"), ""),
        (example("4.2", "numeric"), ""),
        (example("2 million", "numeric"), MISSING),
        (example("many", "numeric"), MISSING),
        (example("Harbor steel.", "extractive_qa"), ""),
        (example("Harbor", "extractive_qa", "Harborside fell."), MISSING),
        (example("Oslo (LOC)", "ner", "It moved to Oslo, then left."), ""),
        (example("12", "numeric", ""), ""),
        (example("anything", "open_qa"), ""),
    ],
)
def test_spans_stand_in_the_input(candidate, expected):
    assert reason(candidate) == expected


def test_passages_count_as_much_as_the_input():
    shown = example("Acme", "extractive_qa", passages=("p1",))
    assert reason(shown, retriever=Shelf()) == ""
    other = example("Acme", "extractive_qa", passages=("p2",))
    assert reason(other, retriever=Shelf()) == MISSING


def test_a_task_whose_seeds_are_worked_out_is_left_alone():
    dose = Seed("s", "t", "numeric", "How many?", "Two a day for 5 days.", "10 tablets")
    assert reason(example("31", "numeric"), dose) == ""
    found = Seed("s", "t", "numeric", "How many?", "Two a day for 5 days.", "5 days")
    assert reason(example("31", "numeric"), found) == MISSING


def test_whole_numbers_and_words_only():
    assert occurs("340", "it sold 340 vans")
    assert not occurs("340", "it sold 1,340 vans")
    assert not occurs("art", "a part of it")
