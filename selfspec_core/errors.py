"""Errors that a person caused and can mend; the command line prints them as one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SelfspecError(Exception):
    """A run that failed for a reason worth one clear line. Exit code 1."""

    exit_code = 1


class UsageError(SelfspecError):
    """Bad input: names the file, line, key or flag, and what would be right. Exit code 2."""

    exit_code = 2


class Interrupted(SelfspecError):
    """Stopped by a signal; the message says how to go on. Exit code 128 + its number."""

    def __init__(self, message: str, signal_number: int = 2) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def nearest(word: str, known: Iterable[str]) -> str:
    """Returns `; did you mean 'x'?` for the nearest known word, or the list of all known."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(names)}" if names else ""
