"""Agreement of answers: closed kinds by what is read, lists as sets, open ones by their words."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.measures.votes import elected, read, same

UP_DOWN = ("up", "down", "flat")


@pytest.mark.parametrize(
    ("kind", "one", "other", "expected"),
    [
        ("classification", "Up", "The answer is up.", True),
        ("classification", "up", "down", False),
        ("yesno", "true", "yes", True),
        ("ner", "Oslo Gas, Ardent Tin", "ardent tin, Oslo Gas", True),
        ("ner", "Oslo Gas", "Oslo Gas, Ardent Tin", False),
        ("list_qa", "none", "None mentioned", True),
        ("numeric", "$4.2 million", "4,200,000", True),
        ("numeric", "4.2 percent", "4.3", False),
        ("open_qa", "the net income", "Net income.", True),
        ("open_qa", "net income of a firm", "net income of the firm", True),
        ("open_qa", "net income", "gross income", False),
        ("extractive_qa", "Ann Lee", "Bo Lee", False),
        ("multilabel", "up, down", "down and up", True),
    ],
)
def test_what_says_the_same(kind, one, other, expected):
    choices = UP_DOWN if kind in ("classification", "multilabel") else ()
    assert same(kind, read(kind, one, choices), read(kind, other, choices)) is expected


def test_what_cannot_be_read_agrees_with_nothing():
    nothing = read("classification", "who knows", UP_DOWN)
    assert nothing is None and not same("classification", nothing, nothing)
    assert elected("classification", [nothing, nothing]) == (0, 0.0)
    assert elected("classification", [nothing, "up", nothing]) == (1, pytest.approx(1 / 3))


def test_a_letter_is_a_choice():
    letters = tuple("ABCD")
    a, b = (read("multiple_choice", text, letters) for text in ("A", "B"))
    assert same("multiple_choice", a, read("multiple_choice", "(A)", letters))
    assert not same("multiple_choice", a, b)
    assert elected("multiple_choice", [b, a, a]) == (1, pytest.approx(2 / 3))


@given(st.lists(st.sampled_from([*UP_DOWN, None]), min_size=1, max_size=9))
def test_of_closed_answers_the_commonest_is_elected(answers):
    place, share = elected("classification", answers)
    counts = Counter(answer for answer in answers if answer is not None)
    most = max(counts.values(), default=0)
    assert share == most / len(answers)
    if counts:  # of several with as many votes, the one that came first
        first = next(a for a in answers if a is not None and counts[a] == most)
        assert answers[place] == first


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5).map(" ".join), min_size=1)
)
def test_an_open_answer_has_at_least_its_own_vote(answers):
    place, share = elected("open_qa", answers)
    assert 1 / len(answers) <= share <= 1
    near = [same("open_qa", answers[place], other) for other in answers]
    assert share == sum(near) / len(answers)
    for one in answers:
        assert sum(same("open_qa", one, other) for other in answers) <= sum(near)


@given(st.text("ab c,."), st.text("ab c,."))
def test_agreement_has_no_direction(one, other):
    for kind in ("open_qa", "ner", "numeric", "summarization"):
        a, b = read(kind, one), read(kind, other)
        assert same(kind, a, b) == same(kind, b, a)
