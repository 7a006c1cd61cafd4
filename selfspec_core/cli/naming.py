"""Names of run folders: what a person may choose, and what is made up."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from shlex import quote

from selfspec_core.errors import UsageError
from selfspec_core.runs import RUNS
from selfspec_core.similarity.text import unprintable

LONGEST = 200
"""Bytes of a name at most; file systems take 255, and files beside the folder need a few."""

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_RESERVED = '/\\<>:"|?*'


def check_name(name: str) -> None:
    """Refuses what cannot be a folder on every system, or would be mistaken for something else.

    Raises:
        UsageError: saying what is wrong with the name.
    """
    wrong = _problem(name)
    if wrong:
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
        shown = shown if len(shown) <= 40 else f"{shown[:40]}…"
        raise UsageError(f"--name {shown}: {wrong}; expected a plain folder name, as in finance-2")


def called(path: Path) -> str:
    """Returns how a run is called on the command line: by its name, or by its folder."""
    return quote(path.name if path.parent == RUNS else str(path))


def made_up(stem: str) -> str:
    """Returns a name from what a run is about and the time."""
    stem = re.sub(r"[^\w-]+", "-", stem).strip("-")[:40]
    return f"{stem or 'run'}-{datetime.now():%Y%m%d-%H%M%S}"


def _problem(name: str) -> str:
    size = len(name.encode(errors="surrogateescape"))
    reserved = sorted({c for c in name if c in _RESERVED})
    if not name.strip():
        return "is empty"
    if name == "latest":
        return "stands for the newest run"
    if size > LONGEST:
        return f"has {size} bytes, of at most {LONGEST}"
    if name[0] in ".-" or name[0].isspace():
        return f"begins with '{name[0]}'"
    if name[-1] == "." or name[-1].isspace():
        return f"ends with '{name[-1]}'"
    if reserved:
        return f"holds {' '.join(reserved)}"
    if found := unprintable(name):
        return f"holds a control character, or one that is not text ({found})"
    if _DEVICES.fullmatch(name):
        return "is the name of a device on Windows"
    return ""
