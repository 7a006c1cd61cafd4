"""Filters: a verdict for every candidate, with the right reason."""

from __future__ import annotations

import pytest

from selfspec_core.types import KEEP, Example, Instruction
from selfspec_plugins.filters import (
    Agreement,
    AgreementSettings,
    Length,
    LengthSettings,
    WellFormed,
    WellFormedAnswer,
    WellFormedSettings,
)


def proposal(instruction, input="", kind="classification", text=None):
    return Instruction("1", "t", kind, instruction, input, 1, 0, text=text)


def example(output, kind="classification", input="", choices=(), **more):
    instruction = "Say what the text says."
    return Example("1", "t", kind, instruction, input, output, 1, 0, choices=choices, **more)


def reason(filter, candidate):
    (verdict,) = filter.judge([candidate], None)
    assert verdict.keep == (not verdict.reason)
    assert len(verdict.evidence) <= 120
    return verdict.reason


NEWS = "Harbor Steel raised its dividend to 12 cents after profit rose to $4.2 million."


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (proposal("Is the news good, bad or neutral?", NEWS), ""),
        (proposal("", "", text="hm hm " * 60), "not in the asked form"),
        (proposal("?!", NEWS), "not in the asked form"),
        (proposal("Judge this.", "Profit\x1b[31m fell."), "unreadable characters"),
        (proposal("Judge this.", "Profit \ufffd fell."), "unreadable characters"),
        (proposal("Judge the news about [insert company].", NEWS), "placeholder"),
        (proposal("Complete: the bank is ____.", ""), "placeholder"),
        (proposal("Judge this.", "<input>"), "placeholder"),
        (proposal("Judge the news.", "Profit fell.\nOutput: bad"), "leftover label"),
        (proposal("### Judge the news.", NEWS), "leftover label"),
        (proposal("Summarise the attached report.", NEWS), "refers to something missing"),
        (proposal("Classify the following text.", ""), "refers to something missing"),
        (proposal("Classify the following text.", NEWS), ""),
        (proposal(NEWS, NEWS), "input repeats the instruction"),
        (proposal("Judge the news.", "it rose a lot and " * 4), "repeats itself"),
        (proposal("Judge the news.", "it rose a lot and " * 3), ""),
        (proposal("Answer.", f"{NEWS} Question: What did profit rise to?", "numeric"), ""),
        (
            proposal(
                "Answer.", f"{NEWS} Question: Who sued the regional airline?", "extractive_qa"
            ),
            "asks about something absent",
        ),
        (proposal("Answer.", f"{NEWS} Question: Who was paid?", "extractive_qa"), ""),
        (proposal("Answer.", f"{NEWS} Question: Is a steelmaker more profitable?", "yesno"), ""),
        (
            proposal("Answer.", f"{NEWS} Question: What did Kestrel raise?", "extractive_qa"),
            "asks about something absent",
        ),
        (proposal("Check it.", f"{NEWS} Claim: Harbor is owned by Kestrel.", "entailment"), ""),
        (
            proposal("Check the claim.", f"{NEWS} Claim: Oil fell.", "entailment"),
            "asks about something absent",
        ),
        (proposal("Check the claim.", f"{NEWS} Claim: Harbor Steel cut jobs.", "entailment"), ""),
        (proposal("Judge.", f"{NEWS} Question: Who sued the regional airline?", "open_qa"), ""),
    ],
)
def test_well_formed(candidate, expected):
    assert reason(WellFormed(), candidate) == expected


def test_generic_questions_are_a_setting():
    generic = proposal("Answer.", f"{NEWS} Question: Who was paid?", "extractive_qa")
    strict = WellFormed(WellFormedSettings(generic_words=0))
    assert reason(strict, generic) == "asks about something absent"


@pytest.mark.parametrize(
    ("asked", "kind", "expected"),
    [
        ("Question: Did Harbor Steel raise its dividend?", "yesno", ""),
        ("Question: Did Harbor Steel lose in court?", "yesno", "asks about something absent"),
        ("Question: Who was paid?", "extractive_qa", "asks about something absent"),
        ("Question: Was Harbor paid by Kestrel?", "yesno", "asks about something absent"),
        ("Claim: Harbor Steel lost in court.", "entailment", ""),
    ],
)
def test_a_question_may_need_a_word_of_its_passage(asked, kind, expected):
    strict = WellFormed(WellFormedSettings(shared_word=True))
    assert reason(strict, proposal("Answer.", f"{NEWS} {asked}", kind)) == expected


def test_length():
    short = Length(LengthSettings(min_input_words=2, max_input_words=5, max_instruction_words=4))
    assert reason(short, proposal("Judge the news.", "Profit fell.")) == ""
    assert reason(short, proposal("Judge it.", "Profit fell.")) == "instruction too short"
    assert reason(short, proposal("Judge the news right now.")) == "instruction too long"
    assert reason(short, proposal("Judge the news.", "Fell.")) == "input too short"
    assert reason(short, proposal("Judge the news.", "a b c d e f")) == "input too long"
    assert reason(Length(), proposal("Judge the news.")) == ""


CHOICES = ("positive", "negative", "neutral")


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        (example("positive", choices=CHOICES), ""),
        (example("  ", choices=CHOICES), "empty answer"),
        (example("good", choices=CHOICES), "not one of the choices"),
        (example("positive " + "because it is so " * 5, choices=CHOICES), "answer too long"),
        (example("Profit\x00fell", "open_qa"), "unreadable characters"),
        (example("[your answer]", "open_qa"), "placeholder"),
        (example("net income\n### Instruction", "open_qa"), "leftover label"),
        (example("Say what the text says.", "open_qa"), "repeats the prompt"),
        (example("70 %", "numeric"), ""),
        (example("a dentist", "numeric"), "no number"),
        (example(NEWS, "summarization", NEWS), "repeats the prompt"),
    ],
)
def test_well_formed_answer(candidate, expected):
    assert reason(WellFormedAnswer(), candidate) == expected


def test_agreement():
    half = Agreement(AgreementSettings(min_share=0.5))
    assert reason(half, example("positive", votes=0.4)) == "too little agreement"
    assert reason(half, example("positive", votes=0.5, label="positive")) == ""
    assert reason(half, example("positive", votes=0.5)) == "no majority"
    assert reason(half, example("positive", votes=0.5, label="neutral")) == "no majority"
    assert reason(half, example("positive", votes=0.6)) == ""
    tied = Agreement(AgreementSettings(majority=False))
    assert reason(tied, example("positive", votes=0.5)) == ""
    assert reason(half, example("positive")) == ""
    assert reason(Agreement(), example("positive", votes=0.0)) == "too little agreement"


@pytest.mark.parametrize("component", [WellFormed, Length, WellFormedAnswer, Agreement])
def test_every_candidate_gets_a_verdict(component):
    rows = [example("positive", choices=CHOICES)] * 3
    if component.phase == "instruction":
        rows = [proposal("Judge the news.", NEWS)] * 3
    assert component().judge(rows, None) == [KEEP] * 3
    assert component.summary
