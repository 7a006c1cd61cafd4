"""Filters that look at one candidate at a time, as a row of checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from selfspec_core.components import Context, Filter
from selfspec_core.types import KEEP, Verdict

_EVIDENCE = 120
_PLACEHOLDER = re.compile(
    r"\[(?:insert|your|input|name|text|company|date|amount|x)\b[^\]]*\]|_{3,}|<[a-z][a-z _-]+>"
    r"|\{\w*\}|\blorem ipsum\b|\bx{3,}\b|\.{4,}",
    re.IGNORECASE,
)
_LEFTOVER_LABEL = re.compile(
    r"###|(?:^|[\n.?!]\s*)(?:Instruction|Input|Output|Response|Answer|Task|Text)\s?\d*:"
)
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")

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


def match(reason: str, pattern: re.Pattern[str], text: str) -> Finding:
    """Finds `pattern` in `text`; the evidence is what matched."""
    found = pattern.search(text)
    return (reason, found.group().strip()) if found else None


def litter(text: str) -> Iterable[Finding]:
    """Finds what no finished text holds: control characters, blanks to fill in, labels."""
    found = _UNREADABLE.search(text)
    yield ("unreadable characters", f"U+{ord(found.group()):04X}") if found else None
    yield match("placeholder", _PLACEHOLDER, text)
    yield match("leftover label", _LEFTOVER_LABEL, text)
