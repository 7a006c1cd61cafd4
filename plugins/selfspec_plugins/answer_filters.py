"""The filter of responses that cannot be right, whatever the domain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from selfspec_core.parsing import first_line, parse
from selfspec_core.text import words
from selfspec_core.types import CLOSED_KINDS, Example, Kind
from selfspec_plugins.checks import LEFTOVER_LABEL, PLACEHOLDER, EachFilter, Finding, match

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
        yield match("placeholder", PLACEHOLDER, output)
        yield match("leftover label", LEFTOVER_LABEL, output)
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
