"""What each system of a table is, in plain words, and in which order systems are listed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from selfspec_core.stages.names import BASE_NAMES, CONTROLS, OURS, READS, TUNED_NAMES

_SAID = {
    "base": "the untuned model, asked in the layout that the specialist is tuned in",
    "base-best": "the untuned model, asked in the layout that suits it best on dev items",
    "seeds-only": "the same model tuned on the seeds alone, for the recipe's epochs",
    "seeds-only-long": "the same model tuned on the seeds alone, for the specialist's steps",
    "generic": "the same model put through the same pipeline from general seeds",
    "specialized": "the model tuned on what it wrote itself, and on the seeds",
    "preferred": "the specialist, tuned further on pairs of its own answers",
}


def family(system: str) -> str:
    """Returns what a system is to the claim: `base`, `control`, `ours` or `other`."""
    name = system.partition("@")[0]
    if name in TUNED_NAMES:
        return "ours"
    if name in CONTROLS:
        return "control"
    return "base" if name in BASE_NAMES else "other"


def ordered(systems: Iterable[str]) -> list[str]:
    """Returns the systems by family, the specialist last; within one, as they were evaluated."""
    rank = {"base": 0, "other": 1, "control": 2, "ours": 3}
    return sorted(systems, key=lambda system: rank[family(system)])


def explained(system: str) -> str:
    """Says what a system is."""
    name, _, shots = system.partition("@")
    words = _SAID.get(name.removesuffix(READS), "another model, asked the same items")
    if name.endswith(READS):
        words += ", shown retrieved passages"
    count = re.match(r"\d+", shots)
    if count and int(count[0]):
        if name == "base":
            words = "the untuned model"
        words += (
            f", after {count[0]} demonstrations" if count[0] != "1" else ", after 1 demonstration"
        )
    return words


def ours(scores: Mapping[str, Any]) -> str:
    """Returns the system that a table of gains is about: the one that dev items chose."""
    pairs = [pair.partition(" - ")[0] for pair in scores.get("gains", {})]
    return str(scores.get("ours") or (pairs[0] if pairs else OURS))


def better(scores: Mapping[str, Any], kind: str) -> str | None:
    """Returns the better `base` or `control`, as the evaluation picked it (`stages.systems`)."""
    picked: str | None = scores.get("better", {}).get(kind)
    return picked
