"""Marks around answers in generated documents, so that training can weigh them."""

import re

OPEN, CLOSE = "\x02", "\x03"
MARK = re.compile(f"[{OPEN}{CLOSE}]")


def marked(text: str) -> str:
    """Return an answer with marks around it."""
    return f"{OPEN}{text}{CLOSE}"


def plain(text: str) -> str:
    """Return a document without marks."""
    return MARK.sub("", text)


def spans(text: str) -> list[tuple[int, int]]:
    """Return the marked spans as (start, end) in the plain text, each with one character more.

    The character after an answer is the line break that ends it, as much worth learning.
    """
    found, removed = [], 0
    for match in MARK.finditer(text):
        place = match.start() - removed
        removed += 1
        if match.group() == OPEN:
            start = place
        else:
            found.append((start, place + 1))
    return found
