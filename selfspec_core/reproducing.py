"""A run and its repetition: which files have the same bytes, and where the first difference is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.journals import RoundFolder

ORDER = ("instructions.jsonl", "rejected.jsonl", "examples.jsonl")
"""Journals in the order in which they are filled: the first to differ is nearest to the cause."""

_LAST = ("pairs.jsonl", "predictions.jsonl", "commits.jsonl", "scores.json")
"""What comes after the adapters; commits hold what training came to and the sizes of the others."""


def check_whole(run: Path, manifest: Mapping[str, Any]) -> None:
    """Refuses what cannot be repeated from its settings alone.

    Raises:
        UsageError: if the run is not finished, or took its examples from another.
    """
    if manifest["state"] != "finished":
        raise UsageError(f"{run}: is not finished; `selfspec resume {run}` goes on")
    if shared := manifest.get("shared"):
        donor = run.parent / shared["of"]
        raise UsageError(f"{run}: its examples are a part of those of {donor}; reproduce that one")


def refusal(changed: list[tuple[str, Any, Any]]) -> SelfspecError:
    """Returns the error that names what changed since a run."""
    shown = [f"{key} from {_short(before)} to {_short(now)}" for key, before, now in changed[:3]]
    more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
    return SelfspecError(
        f"cannot reproduce: changed since: {', '.join(shown)}{more}; --anyway runs it nevertheless"
    )


def files_compared(first: Path, again: Path) -> dict[str, Any]:
    """Returns how many files of all rounds are the same, and the first that is not.

    Journals and adapters first, in the order in which they are made; `where` says at which line a
    journal departs, and what the two have there.
    """
    mine, theirs = _files(first), _files(again)
    names = sorted(mine.keys() | theirs.keys(), key=_when)
    unlike = [name for name in names if mine.get(name) != theirs.get(name)]
    result: dict[str, Any] = {"files": len(names), "same": len(names) - len(unlike)}
    result["differ"] = unlike
    if unlike:
        result["first"] = {"file": unlike[0], **_where(first / unlike[0], again / unlike[0])}
    return result


def answers_compared(first: Path, again: Path, round: int) -> dict[str, Any]:
    """Returns how many of the answers to items are another text than before."""
    texts = [
        {
            (row["set"], row["system"], row["item"], row.get("demo_set", 0)): row["text"]
            for row in RoundFolder(run / f"round-{round}", write=False).read("predictions")
        }
        for run in (first, again)
    ]
    keys = texts[0].keys() | texts[1].keys()
    other = sum(texts[0].get(key) != texts[1].get(key) for key in keys)
    return {"answers": len(keys), "other": other}


def _files(run: Path) -> dict[str, str]:
    """Returns a digest of every file of the rounds, but those that hold the time."""
    files = [p for folder in run.glob("round-*") for p in folder.rglob("*") if p.is_file()]
    return {
        str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files
    }


def _when(name: str) -> tuple[str, int, str]:
    """Sorts files as they are made: round, journals, adapters, predictions, scores."""
    folder, _, file = name.partition("/")
    if file in _LAST:
        return folder, len(ORDER) + 1 + _LAST.index(file), file
    return folder, ORDER.index(file) if file in ORDER else len(ORDER), file


def _where(mine: Path, theirs: Path) -> dict[str, Any]:
    """Returns where two files depart."""
    for file, which in ((mine, "before"), (theirs, "again")):
        if not file.exists():
            return {"missing": which}
    if mine.suffix != ".jsonl":
        return {"bytes": [mine.stat().st_size, theirs.stat().st_size]}
    lines = [file.read_bytes().splitlines() for file in (mine, theirs)]
    for number, pair in enumerate(zip(*lines, strict=False), 1):
        if pair[0] != pair[1]:
            return {"line": number, **_fields(*pair)}
    return {"line": min(map(len, lines)) + 1, "lines": [len(one) for one in lines]}


def _fields(mine: bytes, theirs: bytes) -> dict[str, Any]:
    """Returns the first field in which two rows differ, of nested ones the innermost."""
    path: list[str] = []
    try:
        before, again = json.loads(mine), json.loads(theirs)
    except (ValueError, RecursionError):  # somebody has edited the file
        before = again = None
    if before == again:  # in how the same is written
        before, again = (line.decode(errors="replace") for line in (mine, theirs))
    while isinstance(before, dict) and isinstance(again, dict):
        keys = [key for key in before if key not in again or before[key] != again[key]]
        keys += [key for key in again if key not in before]
        path.append(keys[0])
        before, again = before.get(keys[0]), again.get(keys[0])
    return {"field": ".".join(path), "before": before, "again": again}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
