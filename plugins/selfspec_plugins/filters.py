"""Filters that look at one candidate at a time: form, length, agreement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.similarity.text import words
from selfspec_core.types import Example, Instruction
from selfspec_plugins.answer_filters import WellFormedAnswer
from selfspec_plugins.checks import EachFilter, Finding, litter, match

_THING = r"(?:text|passage|sentence|paragraph|article|abstract|document|statement|headline|table)"
_ELSEWHERE = re.compile(
    rf"\b(?:attached|the (?:image|picture|video|link)|(?:figure|chart|graph) (?:above|below)"
    rf"|(?:previous|next) (?:question|{_THING}|answer))\b",
    re.IGNORECASE,
)
_NEEDS_INPUT = re.compile(
    rf"\b(?:the following|(?:this|these|given) {_THING}s?|{_THING} (?:above|below))\b",
    re.IGNORECASE,
)
_ASKING = re.compile(r" (?:Question|Claim): ")
_ASKING_KINDS = frozenset({"yesno", "entailment", "extractive_qa", "numeric"})
_STOPWORDS = frozenset(
    "a about after all an and any are as at be because been before but by can could did do does "
    "for from had has have he her his how if in into is it its itself many may might more most "
    "much no not of on or other over s she should so some such t than that the their them then "
    "there these they this those to under up was were what when where which while who whom whose "
    "why will with would you your question claim following".split()
)


class WellFormedSettings(BaseModel):
    """Settings `filters.well_formed.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    generic_words: int = Field(
        2, ge=0, description="content words up to which a question need not touch its passage"
    )
    shared_word: bool = Field(
        False, description="every question needs a word of its passage, besides the names it gives"
    )


class WellFormed(EachFilter):
    """Rejects instructions that nobody could carry out."""

    name = "well_formed"
    summary = "rejects unreadable, unfinished, repetitive or impossible instructions"
    phase: ClassVar[Literal["instruction", "example"]] = "instruction"
    Settings = WellFormedSettings

    def findings(self, candidate: Instruction) -> Iterable[Finding]:
        """Yields findings about form, then about what the instruction refers to."""
        if candidate.text is not None or not words(candidate.instruction):
            yield "not in the asked form", candidate.text or candidate.instruction
        both = f"{candidate.instruction}\n{candidate.input}"
        yield from litter(both)
        yield match("refers to something missing", _ELSEWHERE, candidate.instruction)
        if not candidate.input.strip():
            yield match("refers to something missing", _NEEDS_INPUT, candidate.instruction)
        elif words(candidate.instruction) == words(candidate.input):
            yield "input repeats the instruction", candidate.input
        yield _repetition(both)
        yield _absent(candidate, self.settings)


def _repetition(text: str) -> Finding:
    tokens = words(text)
    runs = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
    run, count = max(runs.items(), key=lambda pair: pair[1], default=((), 0))
    return ("repeats itself", f"{' '.join(run)} ({count} times)") if count > 3 else None


def _absent(candidate: Instruction, settings: WellFormedSettings) -> Finding:
    """Finds a question or claim that names nothing of the passage before it.

    One with names needs one of them in the passage. One without needs a word that begins as a word
    of the passage does, unless it is short: "Who made the bid?" can be asked of many a text. With
    `shared_word`, every question needs such a word, whatever it names and however short it is; a
    claim does not, for one that the passage leaves open is a good claim.
    """
    marks = list(_ASKING.finditer(candidate.input))
    if candidate.kind not in _ASKING_KINDS or not marks:
        return None
    asked, before = candidate.input[marks[-1].end() :], candidate.input[: marks[-1].start()]
    first, *others = asked.split() or [""]
    names = set(words(" ".join(w for w in others if w[:1].isupper()))) - _STOPWORDS
    stems = _stems(set(words(asked)) - _STOPWORDS - names)
    shared = stems & _stems(words(before))
    question = "Question" in marks[-1].group()
    if names:
        found = (names | set(words(first)) - _STOPWORDS) & set(words(before))
    else:
        found = stems if question and len(stems) <= settings.generic_words else shared
    if found and question and settings.shared_word:
        found = shared
    return None if found else ("asks about something absent", asked)


def _stems(tokens: Iterable[str]) -> set[str]:
    return {token[:4] for token in tokens if len(token) > 2}


class LengthSettings(BaseModel):
    """Settings `filters.length.*`, in words."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    min_instruction_words: int = Field(3, ge=0)
    max_instruction_words: int = Field(150, ge=1)
    min_input_words: int = Field(0, ge=0)
    max_input_words: int = Field(400, ge=0)


class Length(EachFilter):
    """Rejects instructions and inputs that are too short or too long."""

    name = "length"
    summary = "rejects instructions and inputs of unusual length"
    phase: ClassVar[Literal["instruction", "example"]] = "instruction"
    Settings = LengthSettings

    def findings(self, candidate: Instruction) -> Iterable[Finding]:
        """Yields findings about the instruction, then about the input."""
        limits = self.settings
        for part, text, low, high in (
            (
                "instruction",
                candidate.instruction,
                limits.min_instruction_words,
                limits.max_instruction_words,
            ),
            ("input", candidate.input, limits.min_input_words, limits.max_input_words),
        ):
            count = len(text.split())
            if not low <= count <= high:
                yield f"{part} too {'short' if count < low else 'long'}", f"{count} words"


class AgreementSettings(BaseModel):
    """Settings `filters.agreement.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    min_share: float = Field(
        0.5, ge=0, le=1, description="share of sampled answers that must agree"
    )
    majority: bool = Field(
        True, description="and more than half of them, where they chose the answer: no ties"
    )


class Agreement(EachFilter):
    """Rejects examples on whose answer the model does not agree with itself.

    Where the label was fixed before the input was written, agreement is the share of sampled
    answers equal to that label. An answer that was elected needs a majority besides: where votes
    are tied, the model does not know. Examples without votes are kept.
    """

    name = "agreement"
    summary = "rejects answers that too few of the sampled answers agree with"
    phase: ClassVar[Literal["instruction", "example"]] = "example"
    Settings = AgreementSettings

    def findings(self, candidate: Example) -> Iterable[Finding]:
        """Yields a finding if the share of agreeing answers is below the setting."""
        share = candidate.votes
        if share is not None and share < self.settings.min_share:
            yield "too little agreement", f"{share:.2f} for {candidate.output}"
        elected = candidate.label is None or candidate.label != candidate.output
        if share is not None and share <= 0.5 and elected and self.settings.majority:
            yield "no majority", f"{share:.2f} for {candidate.output}"


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filters of this module."""
    return [WellFormed, Length, WellFormedAnswer, Agreement]
