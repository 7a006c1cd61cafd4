"""Cutting a growing text into pieces that will not be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

_UNFINISHED = "\ufffd"
"""What the first bytes of a character are decoded to before its last have come."""


def pieces(texts: Iterable[str], stop: Sequence[str]) -> Iterator[str]:
    """Yields the pieces of a text of which ever longer beginnings come in.

    What may turn out to be the beginning of a stop string, or is half a character, is held back
    until the next text or the end. The last text is final, and the pieces together are that text.
    """
    done, last = 0, ""
    for text in texts:
        last = text
        settled = len(text) - _held(text, stop)
        if settled > done:
            yield text[done:settled]
            done = settled
    if len(last) > done:
        yield last[done:]


def _held(text: str, stop: Sequence[str]) -> int:
    """Returns how many characters at the end are not settled yet."""
    most = len(text) - len(text.rstrip(_UNFINISHED))
    for mark in stop:
        for size in range(min(len(mark) - 1, len(text)), most, -1):
            if text.endswith(mark[:size]):
                most = size
                break
    return most
