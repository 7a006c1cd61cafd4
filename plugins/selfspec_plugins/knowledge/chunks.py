"""Cuts a text into passages of whole sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(
    r"(?:(?<=[.!?])|(?<=[.!?][\"')\]]))"
    r"(?<!\b[A-Z]\.)(?<!\b(?:Dr|Mr|Ms|No|St|vs|cf|Jr|Co)\.)(?<!\b(?:Mrs|Inc|Ltd|Sec|Art|Fig)\.)"
    r"\s+(?=[\"'(\[]?[A-Z0-9])"
    r"|(?<=[。！？])\s*|\n\s*\n|\n(?=\s*[-*#•|])"
)


def chunks(text: str, words: int) -> Iterator[str]:
    """Yields passages of at most `words` words, sentences kept whole where they fit.

    A sentence ends at `.`, `!` or `?` before a capital or a digit (not after an initial or a
    common abbreviation), at an empty line, or before a list entry. One that is longer than
    `words` is cut between words.
    """
    kept: list[str] = []
    for sentence in _END.split(text):
        tokens = sentence.split()
        if kept and len(kept) + len(tokens) > words:
            yield " ".join(kept)
            kept = []
        kept += tokens
        while len(kept) > words:
            yield " ".join(kept[:words])
            kept = kept[words:]
    if kept:
        yield " ".join(kept)
