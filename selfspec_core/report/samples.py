"""A few of a round's examples and rejected candidates: always the same ones, not picked."""

from __future__ import annotations

import heapq
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from selfspec_core.journals import RoundFolder
from selfspec_core.report.words import SHORT, more, shown

TASKS, ACCEPTED, REJECTED = 40, 3, 4
"""Tasks of which samples are shown, and samples of each."""

_TEXTS = ("instruction", "input", "output", "label", "text", "evidence")
_ABOUT = ("id", "round", "batch", "filter", "reason", "votes")
_NOTHING = dict.fromkeys((*_TEXTS, *_ABOUT), "")
_IDS = 8


def samples(folder: RoundFolder, tasks: Mapping[str, int]) -> list[dict[str, Any]]:
    """Returns for each task its counts and some of its rows, those with most examples first.

    Rejected ones come from as many filters as there are, in order of how much each rejected.

    Args:
        tasks: examples by task.
    """
    accepted, _ = _drawn(folder.read("examples"), lambda row: (row["task"],), ACCEPTED)
    rejected, counts = _drawn(
        folder.read("rejected"), lambda row: (row["task"], row["filter"]), REJECTED
    )
    lost = Counter[str]()
    for (task, _), count in counts.items():
        lost[task] += count
    names = list(dict.fromkeys([*tasks, *(task for task, _ in lost.most_common())]))
    return [
        {
            "task": shown(task, SHORT),
            "accepted": tasks.get(task, 0),
            "rejected": lost[task],
            "examples": [_row(row) for row in accepted.get((task,), ())],
            "others": [_row(row) for row in _in_turn(task, rejected, counts)],
        }
        for task in names[:TASKS]
    ]


def _drawn(
    rows: Iterable[dict[str, Any]], key: Any, most: int
) -> tuple[dict[tuple[str, ...], list[dict[str, Any]]], Counter[tuple[str, ...]]]:
    """Keeps of each group the rows whose ids have the lowest checksums; counts all."""
    kept: dict[tuple[str, ...], list[tuple[int, int, dict[str, Any]]]] = {}
    counts = Counter[tuple[str, ...]]()
    for number, row in enumerate(rows):
        group = tuple(str(part) for part in key(row))
        counts[group] += 1
        entry = (-zlib.crc32(str(row.get("id", number)).encode(errors="replace")), -number, row)
        heap = kept.setdefault(group, [])
        if len(heap) < most:
            heapq.heappush(heap, entry)
        elif entry[:2] > heap[0][:2]:
            heapq.heapreplace(heap, entry)
    found = {g: [row for *_, row in sorted(h, key=lambda e: -e[1])] for g, h in kept.items()}
    return found, counts


def _in_turn(
    task: str,
    rejected: Mapping[tuple[str, ...], list[dict[str, Any]]],
    counts: Counter[tuple[str, ...]],
) -> list[dict[str, Any]]:
    """Returns rejected rows of a task: one of each filter in turn until there are enough."""
    groups = [rejected[group] for group, _ in counts.most_common() if group[0] == task]
    longest = max(map(len, groups), default=0)
    turns = [group[turn] for turn in range(longest) for group in groups if turn < len(group)]
    return turns[:REJECTED]


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is shown of a row: shortened texts, and where it comes from."""
    texts = {key: shown(row[key]) for key in _TEXTS if row.get(key)}
    cut = [f"{key}: {said}" for key in _TEXTS if (said := more(row.get(key) or ""))]
    about = {key: shown(row[key], SHORT) for key in _ABOUT if row.get(key) is not None}
    listed = {key: _ids(row.get(key) or ()) for key in ("shown", "passages")}
    return {**_NOTHING, **texts, **about, **listed, "cut": ", ".join(cut)}


def _ids(ids: Iterable[Any]) -> list[str]:
    every = [shown(one, SHORT) for one in ids]
    rest = len(every) - _IDS
    return every[:_IDS] + ([f"and {rest} more"] if rest > 0 else [])
