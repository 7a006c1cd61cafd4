"""Filters that look at one candidate at a time: form, length, agreement."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.parsing import first_line, parse
from selfspec_core.text import words
from selfspec_core.types import CLOSED_KINDS, KEEP, Example, Instruction, Kind, Verdict

_EVIDENCE = 120
_PLACEHOLDER = re.compile(
    r"\[(?:insert|your|input|name|text|company|date|amount|x)\b[^\]]*\]|_{3,}|<[a-z][a-z _-]+>"
    r"|\{\w*\}|\blorem ipsum\b|\bx{3,}\b|\.{4,}",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"###|(?:^|[\n.?!]\s*)(?:Instruction|Input|Output|Response|Answer|Task|Text)\s?\d*:"
)
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

Finding = tuple[str, str] | None
"""A fixed reason and its evidence, or None."""


def first_finding(findings: Iterable[Finding]) -> Verdict:
    """Returns the verdict of the first check that found something."""
    found = next((finding for finding in findings if finding), None)
    return Verdict(False, found[0], found[1][:_EVIDENCE]) if found else KEEP


class EachFilter(Filter):
    """A filter whose verdict on a candidate depends on nothing but that candidate."""

    def judge(self, candidates: Sequence[Any], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate."""
        return [first_finding(self.findings(candidate)) for candidate in candidates]

    def findings(self, candidate: Any) -> Iterable[Finding]:
        """Yields what the checks find, in order; the first finding decides."""
        raise NotImplementedError("a filter of this kind is abstract without `findings`")


class WellFormedSettings(BaseModel):
    """Settings `filters.well_formed.*`."""

    model_config = ConfigDict(extra="forbid")
    generic_words: int = Field(
        2, ge=0, description="content words up to which a question need not touch its passage"
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
        yield _match("placeholder", _PLACEHOLDER, both)
        yield _match("leftover label", _LABEL, both)
        yield _match("refers to something missing", _ELSEWHERE, candidate.instruction)
        if not candidate.input.strip():
            yield _match("refers to something missing", _NEEDS_INPUT, candidate.instruction)
        elif words(candidate.instruction) == words(candidate.input):
            yield "input repeats the instruction", candidate.input
        yield _repetition(both)
        yield _absent(candidate, self.settings.generic_words)


def _match(reason: str, pattern: re.Pattern[str], text: str) -> Finding:
    found = pattern.search(text)
    return (reason, found.group().strip()) if found else None


def _repetition(text: str) -> Finding:
    tokens = words(text)
    runs = Counter(zip(tokens, tokens[1:], tokens[2:], strict=False))
    run, count = max(runs.items(), key=lambda pair: pair[1], default=((), 0))
    return ("repeats itself", f"{' '.join(run)} ({count} times)") if count > 3 else None


def _absent(candidate: Instruction, generic_words: int) -> Finding:
    """Finds a question or claim that names nothing of the passage before it.

    One with names needs one of them in the passage. One without needs a word that begins as a word
    of the passage does, unless it is short: "Who made the bid?" can be asked of many a text.
    """
    marks = list(_ASKING.finditer(candidate.input))
    if candidate.kind not in _ASKING_KINDS or not marks:
        return None
    asked, before = candidate.input[marks[-1].end() :], candidate.input[: marks[-1].start()]
    first, *others = asked.split() or [""]
    names = set(words(" ".join(w for w in others if w[:1].isupper()))) - _STOPWORDS
    if names:
        found = (names | set(words(first)) - _STOPWORDS) & set(words(before))
    else:
        stems = _stems(set(words(asked)) - _STOPWORDS)
        generic = "Question" in marks[-1].group() and len(stems) <= generic_words
        found = stems if generic else stems & _stems(words(before))
    return None if found else ("asks about something absent", asked)


def _stems(tokens: Iterable[str]) -> set[str]:
    return {token[:4] for token in tokens if len(token) > 2}


class LengthSettings(BaseModel):
    """Settings `filters.length.*`, in words."""

    model_config = ConfigDict(extra="forbid")
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


_MOST_WORDS: dict[Kind, int] = {
    "numeric": 12,
    "extractive_qa": 30,
    "ner": 60,
    "relation": 60,
    "list_qa": 80,
    "open_qa": 80,
    "multilabel": 40,
    "summarization": 250,
}
_BESIDE_CHOICE = 10  # words a closed answer may have beside the choice
_SPAN_KINDS = frozenset({"ner", "extractive_qa", "numeric"})


class WellFormedAnswer(EachFilter):
    """Rejects responses that cannot be right, whatever the domain."""

    name = "well_formed_answer"
    summary = "rejects empty, overlong or ungrounded answers and ones that are no choice"
    phase: ClassVar[Literal["instruction", "example"]] = "example"

    def findings(self, candidate: Example) -> Iterable[Finding]:
        """Yields findings about form, then about the answer's ground in choices and input."""
        output = candidate.output.strip()
        if not output:
            yield "empty answer", ""
        yield _match("placeholder", _PLACEHOLDER, output)
        yield _match("leftover label", _LABEL, output)
        yield _echo(candidate)
        yield _too_long(candidate)
        parsed = parse(candidate.kind, output, candidate.choices)
        if candidate.choices and candidate.kind in CLOSED_KINDS and parsed is None:
            yield "not one of the choices", output
        if candidate.kind in _SPAN_KINDS and candidate.input.strip():
            yield _ungrounded(candidate, parsed)


def _echo(candidate: Example) -> Finding:
    said, asked = words(candidate.output), words(candidate.instruction)
    whole = f" {' '.join(said)} "
    repeats = said == words(candidate.input) or (len(asked) > 2 and f" {' '.join(asked)} " in whole)
    return ("repeats the prompt", candidate.output) if said and repeats else None


def _too_long(candidate: Example) -> Finding:
    count = len(candidate.output.split())
    most = _MOST_WORDS.get(candidate.kind)
    if most is None:
        most = _BESIDE_CHOICE + max((len(c.split()) for c in candidate.choices), default=2)
    return ("answer too long", f"{count} words") if count > most else None


def _ungrounded(candidate: Example, parsed: Any) -> Finding:
    """Finds a span that the input does not hold."""
    if parsed is None:
        return "answer not in the input", candidate.output
    spans = parsed if isinstance(parsed, tuple) else (first_line(candidate.output),)
    source = " ".join(candidate.input.lower().split())
    for span in spans:
        bare = re.sub(r"\s*\([A-Z]{2,6}\)$", "", span)  # a type after a name: `Oslo (LOC)`
        if not _occurs(" ".join(bare.lower().split()), source):
            return "answer not in the input", span
    return None


def _occurs(span: str, source: str) -> bool:
    """Whether `source` holds `span` as whole words and whole numbers (no `340` in `1,340`)."""
    before = r"(?<!\w)(?<!\d[.,])" if span[:1].isalnum() else ""
    after = r"(?!\w|[.,]\d)" if span[-1:].isdigit() else r"(?!\w)" if span[-1:].isalpha() else ""
    return bool(span) and bool(re.search(before + re.escape(span) + after, source))


class AgreementSettings(BaseModel):
    """Settings `filters.agreement.*`."""

    model_config = ConfigDict(extra="forbid")
    min_share: float = Field(
        0.0, ge=0, le=1, description="share of sampled answers that must agree"
    )


class Agreement(EachFilter):
    """Rejects examples on whose answer the model does not agree with itself.

    Where the label was fixed before the input was written, agreement is the share of sampled
    answers equal to that label. Examples without votes are kept.
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


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filters of this module."""
    return [WellFormed, Length, WellFormedAnswer, Agreement]
