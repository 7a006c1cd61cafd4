"""The one parser that reads the answers of all systems."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.measures.parsing import first_line, number, parse, split_list
from selfspec_core.types import KINDS

TONE = ("positive", "negative", "neutral")
HOLDINGS = ("holding that the claim fails for lack of notice", "holding that the claim may go on")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("positive", "positive"),
        (" **Positive.**\nText: more", "positive"),
        ("\n\nThe answer is negative", "negative"),
        ("Answer: neutral, since nothing changed", "neutral"),
        ("Label:\nnegative", "negative"),
        ("I would call this negative for holders", "negative"),
        ("it is not positive but neutral", "neutral"),
        ("this could be negative or positive", None),
        ("not positive", None),
        ("nonpositive", None),
        ("good", None),
        ("", None),
        ("###", None),
    ],
)
def test_choices(text, expected):
    assert parse("classification", text, TONE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", "B"),
        ("b)", "B"),
        ("(c) because", "C"),
        ("The correct answer is D.", "D"),
        ("Option A", "A"),
        ("I think it is B", "B"),
        ("A patient with fever", None),
        ("A or B", None),
        ("B because it fits", "B"),
        ("E", None),
        ("Candidiasis", None),
    ],
)
def test_letters(text, expected):
    assert parse("multiple_choice", text, ("A", "B", "C", "D")) == expected


def test_choices_in_words_also_answer_to_letters_and_when_cut_off():
    assert parse("multiple_choice", "(b)", HOLDINGS) == HOLDINGS[1]
    assert parse("multiple_choice", "holding that the claim fails", HOLDINGS) == HOLDINGS[0]
    assert parse("multiple_choice", "holding that the claim", HOLDINGS) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes, it did.", "Yes"),
        ("no", "No"),
        ("True", "Yes"),
        ("false.", "No"),
        ("It did not. No.", "No"),
        ("nothing is known", None),
    ],
)
def test_yes_no(text, expected):
    assert parse("yesno", text, ("Yes", "No")) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Acme, Borealis and Cobalt", ("Acme", "Borealis", "Cobalt")),
        ("- Acme\n- Borealis\n- acme", ("Acme", "Borealis")),
        ("1. Acme\n2) Borealis", ("Acme", "Borealis")),
        ("The companies are: Acme; Borealis.", ("Acme", "Borealis")),
        ("Answer: Acme", ("Acme",)),
        ("Acme, Inc., Borealis Ltd.", ("Acme, Inc", "Borealis Ltd")),
        ("2,4-dinitrophenol, Na, K", ("2,4-dinitrophenol", "Na", "K")),
        (
            "Acme (a maker of pipes, valves), Borealis",
            ("Acme (a maker of pipes, valves)", "Borealis"),
        ),
        ("none", ()),
        ("No companies mentioned.", ()),
        (" \n", None),
    ],
)
def test_lists(text, expected):
    assert parse("ner", text) == expected


def test_multilabel():
    terms = ("Arbitration", "Choice of law", "None")
    assert parse("multilabel", "choice of law; arbitration", terms) == (
        "Choice of law",
        "Arbitration",
    )
    assert parse("multilabel", "None", terms) == ("None",)
    assert parse("multilabel", "none", terms[:2]) == ()
    assert parse("multilabel", "weather", terms) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$4.2 million", 4.2e6),
        ("12 percent", 12.0),
        ("12%", 12.0),
        ("1,200", 1200.0),
        ("(3.4)", -3.4),
        ("$(3.4) million", -3.4e6),
        ("-0.09709", -0.09709),
        ("−5", -5.0),
        ("EUR74.8 m", 74.8e6),
        ("US$1.5bn", 1.5e9),
        ("about 340 workers (of 900)", 340.0),
        ("10-12", 10.0),
        ("in Q3 it was 7", 7.0),
        ("twenty-five cents", 25.0),
        ("two million", 2e6),
        (".5", 0.5),
        ("unknown", None),
        ("9" * 400, None),
    ],
)
def test_numbers(text, expected):
    assert number(text) == pytest.approx(expected) if expected is not None else number(text) is None
    assert parse("numeric", text) == number(text)


def test_open_answers_are_the_cleaned_first_line():
    assert parse("open_qa", 'The answer is: "net income".\nText: more') == "net income"
    assert parse("extractive_qa", "> Harbor Steel") == "Harbor Steel"
    assert parse("open_qa", "\n \n") is None
    assert parse("summarization", " One.\nTwo. ") == "One.\nTwo."
    assert first_line("Answers vary") == "Answers vary"


def test_split_list_joins_again_to_itself():
    assert split_list("A, B; C\nD and E, and F") == tuple("ABCDEF")


@given(st.sampled_from(KINDS), st.text(max_size=60), st.lists(st.text(min_size=1, max_size=8)))
def test_no_text_is_an_error(kind, text, choices):
    offered = [choice for choice in choices if choice.strip()]
    assert parse(kind, text, offered) == parse(kind, text, offered)
