"""What base and specialist answered to a few dev items: always the same ones, not picked.

Dev items, so that a report that is passed on gives no test item away.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from selfspec_core.errors import UsageError
from selfspec_core.files import write_atomically
from selfspec_core.journals import RoundFolder
from selfspec_core.report.words import shown
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.names import OURS
from selfspec_core.types import LIST_KINDS, Item

FILE = "answers.json"
_SHOWN = ("task", "instruction", "input", "expected", "base", "specialist")
TASKS, EACH = 40, 2
"""Tasks that are shown, and items of each."""


def keep_answers(folder: RoundFolder, asked: EvaluationSet) -> None:
    """Writes answers.json: items with what the base, in its best layout, and the specialist said.

    A round that was not evaluated, or has no dev items, gets no file.

    Args:
        asked: the domain's own items.
    """
    try:
        scores = json.loads((folder.path / "scores.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    ours = scores["sets"].get(asked.name, {}).get("ours", OURS)
    base = f"base[{scores['layouts']['best']}]"
    rows = (row for row in folder.read("predictions") if row["set"] == asked.name)
    said = {(row["system"], row["item"]): row["text"] for row in rows}
    kept = [
        {
            "task": item.task,
            "instruction": item.instruction,
            "input": item.input,
            "expected": _in_words(item),
            "base": said[base, item.id],
            "specialist": said[ours, item.id],
        }
        for item in _few(asked.split("dev"))
        if (base, item.id) in said and (ours, item.id) in said
    ]
    if kept:
        write_atomically(folder.path / FILE, json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def answers(folder: Path) -> list[dict[str, str]]:
    """Returns the rows of answers.json as a page may show them; none if there is no file.

    Raises:
        UsageError: if the file is damaged.
    """
    file = folder / FILE
    try:
        rows: list[Mapping[str, str]] = json.loads(file.read_text(encoding="utf-8"))
        return [{key: shown(row[key]) for key in _SHOWN} for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        raise UsageError(f"{file}: damaged: {type(error).__name__}: {error}") from None


def _few(items: Sequence[Item]) -> list[Item]:
    """Returns of each task the items whose ids have the lowest checksums."""
    tasks: dict[str, list[Item]] = {}
    for item in items:
        tasks.setdefault(item.task, []).append(item)
    return [
        item
        for own in list(tasks.values())[:TASKS]
        for item in sorted(own, key=lambda one: zlib.crc32(one.id.encode()))[:EACH]
    ]


def _in_words(item: Item) -> str:
    """Returns the accepted answer: the first alternative, or every member of a list."""
    members = [one[0] if isinstance(one, tuple | list) else one for one in item.output]
    return ", ".join(map(str, members if item.kind in LIST_KINDS else members[:1]))
