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

_LONG = re.compile(r"(\S{200})(?=\S)")
"""What no word is, but data in letters, such as a picture; whole it would be an endless passage."""


def chunks(text: str, words: int) -> Iterator[str]:
    """Yields passages of at most `words` words, sentences kept whole where they fit.

    A sentence ends at `.`, `!` or `?` before a capital or a digit (not after an initial or a
    common abbreviation), at an empty line, or before a list entry. One that is longer than
    `words` is cut between words; so are 200 letters without a space.
    """
    kept: list[str] = []
    for sentence in _END.split(text):
        tokens = _LONG.sub(r"\1 ", sentence).split()
        if kept and len(kept) + len(tokens) > words:
            yield " ".join(kept)
            kept = []
        kept += tokens
        whole = (len(kept) - 1) // words * words  # the rest, never nothing, may be gone on with
        yield from (" ".join(kept[start : start + words]) for start in range(0, whole, words))
        kept = kept[whole:]
    if kept:
        yield " ".join(kept)
