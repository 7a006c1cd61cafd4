"""Runs beside each other: what differs in what they did, and in scores, paired by shared items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from selfspec_core.errors import UsageError
from selfspec_core.measures.pooling import Answered, Pool, over_runs, pool
from selfspec_core.measures.statistics import Bootstrap, conclusion, macro
from selfspec_core.provenance import differences
from selfspec_core.stages.names import OURS
from selfspec_core.types import Item

_DRAWN = ("settings.random_seed", "settings.seeds.draw")
"""What runs of one group may differ in: they are draws of the same."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that are taken as one; in tables they go by a letter."""

    letter: str
    runs: Sequence[Answered]


def compare(groups: Sequence[Group]) -> dict[str, Any]:
    """Compares every group with the first.

    Raises:
        UsageError: if two groups have no test item in common.
    """
    first, *others = groups
    return {
        "groups": [_about(group) for group in groups],
        "differ": {other.letter: _differ(first, other) for other in others},
        "comparisons": [_against(first, other) for other in others],
    }


def _about(group: Group) -> dict[str, Any]:
    """Returns what a group is made of, and its way from proposals to examples."""
    lead = group.runs[0]
    unlike = [
        key
        for run in group.runs[1:]
        for key, _, _ in differences(lead.manifest["conditions"], run.manifest["conditions"])
        if key not in _DRAWN and key != "seeds"
    ]
    rejected: dict[str, list[int]] = {}
    for row, run in enumerate(group.runs):
        for name, count in run.scores["rejected"].items():
            rejected.setdefault(name, [0] * len(group.runs))[row] = count
    return {
        "letter": group.letter,
        "runs": [str(run.path) for run in group.runs],
        "domain": lead.manifest["domain"],
        "model": lead.manifest["model"],
        "random_seeds": [run.random_seed for run in group.runs],
        "unlike": list(dict.fromkeys(unlike)),
        "proposed": [run.scores["proposed"] for run in group.runs],
        "accepted": [run.scores["accepted"] for run in group.runs],
        "rejected": rejected,
        "notes": list(dict.fromkeys(note for run in group.runs for note in run.manifest["notes"])),
    }


def _differ(first: Group, other: Group) -> list[dict[str, Any]]:
    """Returns in which settings and other conditions two groups differ."""
    before, after = (group.runs[0].manifest["conditions"] for group in (first, other))
    several = len(first.runs) > 1 or len(other.runs) > 1
    return [
        {"key": key.removeprefix("settings."), first.letter: a, other.letter: b}
        for key, a, b in differences(before, after)
        if not (several and key in _DRAWN)
    ]


def _against(first: Group, other: Group) -> dict[str, Any]:
    """Compares two groups on every set that both asked."""
    mine, theirs = first.runs[0].items, other.runs[0].items
    sets = {}
    for name in mine:
        if name in theirs:
            shared, unshared = _shared(mine[name], theirs[name], first, other)
            if shared:
                sets[name] = {**_paired(first, other, name, shared), "not_shared": unshared}
    if not sets:
        asked = [
            f"{group.letter} asked {', '.join(group.runs[0].items)}" for group in (first, other)
        ]
        raise UsageError(f"no test item in common: {'; '.join(asked)}")
    return {
        "of": other.letter,
        "with": first.letter,
        "sets": sets,
        "sets_not_shared": sorted(mine.keys() ^ theirs.keys()),
    }


def _shared(
    mine: Sequence[Item], theirs: Sequence[Item], first: Group, other: Group
) -> tuple[list[Item], dict[str, int]]:
    """Returns the items that are the same in both, and how many of each are not."""
    known = {item.id: item for item in theirs}
    shared = [item for item in mine if known.get(item.id) == item]
    changed = sum(item.id in known and known[item.id] != item for item in mine)
    unshared = {
        f"only in {first.letter}": sum(item.id not in known for item in mine),
        f"only in {other.letter}": len(theirs) - len(shared) - changed,
        "changed": changed,
    }
    return shared, {where: count for where, count in unshared.items() if count}


def _paired(first: Group, other: Group, asked: str, items: Sequence[Item]) -> dict[str, Any]:
    """Returns every system's score in both groups and the paired difference; ours by task too."""
    sides = [pool(group.runs, asked, items) for group in (first, other)]
    likely = [pool(group.runs, asked, items, likely=True) for group in (first, other)]
    runs = max(side.draws for side in sides)

    def resampled(sizes: Mapping[str, int]) -> Bootstrap:
        return Bootstrap(sizes, drawn_with=over_runs(sizes, runs))

    bootstrap, closed = (resampled(two[0].bootstrap.task_sizes) for two in (sides, likely))
    systems = [system for system in sides[0].tables if system in sides[1].tables]
    weighed = [system for system in likely[0].tables if system in likely[1].tables]
    letters = (first.letter, other.letter)
    result: dict[str, Any] = {
        "items": len(items),
        "systems": {s: _difference(sides, s, bootstrap, letters) for s in systems},
        "likelihood": {s: _difference(likely, s, closed, letters) for s in weighed},
        "tasks": {},
        "systems_not_shared": sorted(sides[0].tables.keys() ^ sides[1].tables.keys()),
    }
    if OURS in systems:
        for task, size in bootstrap.task_sizes.items():
            result["tasks"][task] = _difference(sides, OURS, resampled({task: size}), letters)
    return result


def _difference(
    sides: Sequence[Pool], system: str, bootstrap: Bootstrap, letters: Sequence[str]
) -> dict[str, Any]:
    """Returns a system's scores on the tasks of a bootstrap, and the second's gain on the first."""
    before, after = (
        {task: side.tables[system][task] for task in bootstrap.task_sizes} for side in sides
    )
    gain = bootstrap.gain(after, before)
    scores = [macro(table) for table in (before, after)]
    said = conclusion(gain, min(bootstrap.task_sizes.values()))
    if max(side.draws for side in sides) == 2:  # one difference tells nothing of a spread
        said = "no verdict: two runs"
    return {**dict(zip(letters, scores, strict=True)), **asdict(gain), "verdict": said}


def check_group(runs: Sequence[Answered], given: str) -> None:
    """Refuses runs that cannot be taken as one: all must have asked the same items.

    Raises:
        UsageError: naming the run that did not.
    """
    lead = runs[0]
    for run in runs[1:]:
        if run.items != lead.items:
            raise UsageError(f"{given}: {run.path} did not ask the same items as {lead.path}")
