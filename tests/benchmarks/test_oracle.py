"""The oracle of nano's items: it knows what is known, and says nothing of what is not."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # for `oracle` and `frames`

import oracle
from frames import plain
from oracle import NONE

from selfspec_nano import world

LOSS = (
    "Ardent Tin lost $4 million in the second quarter, compared with a loss of $9 million in the "
    "same period last year, as cost cuts helped."
)


def test_it_agrees_with_items_whose_answer_is_known():
    found = Counter(
        oracle.is_right(item.task, item.kind, item.input, str(item.output[0]), item.choices)
        for item in world.items()
    )
    assert found.total() > 400
    assert found[False] == 0
    assert found[True] > 0.95 * found.total()


def test_a_wrong_answer_is_wrong():
    wrong = 0
    for item in world.items():
        if item.choices:
            other = next(choice for choice in item.choices if choice != item.output[0])
            said = oracle.is_right(item.task, item.kind, item.input, other, item.choices)
            assert said is not True
            wrong += said is False
    assert wrong > 200


@pytest.mark.parametrize(
    ("task", "kind", "asked", "expected"),
    [
        ("headline_sentiment", "classification", "", "positive"),
        ("event_type", "classification", "", "earnings"),
        ("company_ner", "ner", "", "Ardent Tin"),
        ("figure_lookup", "numeric", " Question: How much did Ardent Tin lose?", "$4 million"),
        ("figure_lookup", "numeric", " Question: By what percent did the loss shrink?", NONE),
        ("headline_yesno", "yesno", " Question: Did the loss at Ardent Tin widen?", "no"),
        ("headline_yesno", "yesno", " Question: Did the loss at Oslo Gas widen?", NONE),
        ("headline_yesno", "yesno", " Question: Did Ardent Tin win in court?", NONE),
        ("claim_check", "entailment", " Claim: Ardent Tin lost less than before.", "supported"),
        ("claim_check", "entailment", " Claim: Ardent Tin lost in court.", "unknown"),
        ("headline_yesno", "yesno", " Question: Is it raining?", None),
        ("headline_yesno", "yesno", " Nobody knew. Question: Did Ardent Tin lose money?", None),
        ("policy_stance", "classification", "", NONE),
        ("market_topic", "classification", "", None),
    ],
)
def test_what_is_right(task, kind, asked, expected):
    assert oracle.right_answer(task, kind, LOSS + asked) == expected


def test_a_definition_it_does_not_know():
    assert oracle.right_answer("glossary", "open_qa", "A word nobody has defined.") is None


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("In a statement on Friday, sales rose.", "Sales rose."),
        ("Sales rose, it emerged on Monday.", "Sales rose."),
        ("Sales rose.", "Sales rose."),
    ],
)
def test_asides_are_left_out(sentence, expected):
    assert plain(sentence) == expected
