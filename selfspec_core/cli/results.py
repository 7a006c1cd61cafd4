"""Standard output of a command that prints JSON: nothing but the JSON goes there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

_kept: TextIO | None = None


@contextmanager
def results_apart(*, on: bool) -> Iterator[None]:
    """Keeps standard output for `write_result`; what else is printed meanwhile goes to stderr.

    A plugin may print, and so may a library, or a process that one starts.
    """
    global _kept
    out = sys.stdout
    if not on or out is None or _kept is not None:
        yield
        return
    out.flush()
    try:
        descriptor = out.fileno()
        _kept = os.fdopen(os.dup(descriptor), "w", encoding=out.encoding, errors="replace")
        os.dup2(sys.stderr.fileno(), descriptor)
    except (OSError, ValueError):  # not a file: there is no process to keep out
        descriptor, _kept = -1, out
    sys.stdout = sys.stderr
    try:
        yield
        _kept.flush()
    finally:
        sys.stdout, kept, _kept = out, _kept, None
        if descriptor >= 0:
            os.dup2(kept.fileno(), descriptor)
            kept.close()


def write_result(text: str) -> None:
    """Prints what a program is to read."""
    click.echo(text, file=_kept)
