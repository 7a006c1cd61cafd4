"""The filter of responses that cannot be right, whatever the domain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from selfspec_core.measures.parsing import parse
from selfspec_core.similarity.text import words
from selfspec_core.types import CLOSED_KINDS, Example, Kind
from selfspec_plugins.checks import EachFilter, Finding, litter

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


class WellFormedAnswer(EachFilter):
    """Rejects responses that cannot be right, whatever the domain."""

    name = "well_formed_answer"
    summary = "rejects empty and overlong answers and ones that are no choice or no number"
    phase: ClassVar[Literal["instruction", "example"]] = "example"

    def findings(self, candidate: Example) -> Iterable[Finding]:
        """Yields findings about form, then about the choices and the number."""
        output = candidate.output.strip()
        if not output:
            yield "empty answer", ""
        yield from litter(output)
        yield _echo(candidate)
        yield _too_long(candidate)
        parsed = parse(candidate.kind, output, candidate.choices)
        if candidate.choices and candidate.kind in CLOSED_KINDS and parsed is None:
            yield "not one of the choices", output
        if candidate.kind == "numeric" and parsed is None:
            yield "no number", output


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
