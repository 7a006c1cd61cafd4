"""The law domain's check: what is cited stands in the input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from selfspec_core import KEEP, Context, Example, Filter, Verdict

_CITED = re.compile(
    r"(?:\b(?P<word>section|sec\.|article|art\.|rule|clause|paragraph|para\.|regulation|schedule)"
    r" ?|§+ ?)(?P<number>\d+[a-z]?(?:\.\d+)*(?:\(\w{1,4}\))*)",
    re.IGNORECASE,
)
_ASKED = re.compile(r"\s(?:Question|Claim): ")


class CitedSections(Filter):
    """Rejects an example whose answer, question or claim cites a section that the text does not.

    Only the number is compared: `section 4(b)` is fine where the text says `sec. 4(b)` or has a
    paragraph `4(b)`; a broader citation of it (`section 4`) is fine too.
    """

    name = "cited_sections"
    summary = "rejects citations of sections that the input does not hold"
    phase: ClassVar[Literal["instruction", "example"]] = "example"

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate; inputs that cite nothing allow no citation."""
        return [self._verdict(candidate) for candidate in candidates]

    def _verdict(self, candidate: Example) -> Verdict:
        text, *asked = _ASKED.split(candidate.input, maxsplit=1)
        known = set(re.findall(r"\d+[a-z]?(?:\.\d+)*(?:\(\w{1,4}\))*", text.lower()))
        for said in (candidate.output, *asked):
            for number in citations(said):
                if not any(
                    number == k or k.startswith((f"{number}(", f"{number}.")) for k in known
                ):
                    return Verdict(False, "cites what the input does not hold", number)
        return KEEP


def citations(text: str) -> Iterator[str]:
    """Yields the numbers of the cited sections, articles, rules and clauses, in lower case."""
    return (found["number"].lower() for found in _CITED.finditer(text))
