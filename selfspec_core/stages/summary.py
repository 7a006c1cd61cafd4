"""The funnel: how many were proposed, rejected for which reason, and accepted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from selfspec_core.errors import SelfspecError
from selfspec_core.journals import RoundFolder


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
    instructions = folder.count("instructions")
    accepted = sum(tasks.values())
    return {
        "proposed": instructions + sum(rejected.values()) - answered_away,
        "accepted": accepted,
        "unused": instructions - accepted - answered_away,
        "rejected": dict(rejected.most_common()),
        "reasons": dict(reasons.most_common()),
        "tasks": dict(tasks.most_common()),
    }


def check_accepted(folder: RoundFolder) -> None:
    """Fails loudly when every candidate was rejected.

    Raises:
        SelfspecError: with the three top reasons and a sample of each.
    """
    if next(folder.read("examples"), None) is not None:
        return
    rejected = list(folder.read("rejected"))
    counts = Counter(f"{row['filter']}: {row['reason']}" for row in rejected)
    lines = [f"0 of {len(rejected)} accepted"]
    for reason, count in counts.most_common(3):
        sample = next(r for r in rejected if f"{r['filter']}: {r['reason']}" == reason)
        text = sample.get("text") or f"{sample['instruction']} | {sample['input']}"
        lines.append(f"  {count} x {reason}; for example {text[:160]!r}")
    raise SelfspecError("\n".join(lines))
