"""The funnel: how many were proposed, rejected for which reason, and accepted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from selfspec_core.runs import RoundFolder


def funnel(folder: RoundFolder) -> dict[str, Any]:
    """Returns the counts of a round from its journals, whatever stage it is at.

    Instructions that were accepted but not needed any more are `unused`, not rejected.
    """
    rejected, reasons, answered_away = Counter[str](), Counter[str](), 0
    for row in folder.read("rejected"):
        rejected[row["filter"]] += 1
        reasons[f"{row['filter']}: {row['reason']}"] += 1
        answered_away += "output" in row
    tasks = Counter(row["task"] for row in folder.read("examples"))
    instructions = sum(1 for _ in folder.read("instructions"))
    accepted = sum(tasks.values())
    return {
        "proposed": instructions + sum(rejected.values()) - answered_away,
        "accepted": accepted,
        "unused": instructions - accepted - answered_away,
        "rejected": dict(rejected.most_common()),
        "reasons": dict(reasons.most_common()),
        "tasks": dict(tasks.most_common()),
    }
