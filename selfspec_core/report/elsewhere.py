"""What became of other fields: collateral gains and losses, in words and as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfspec_core.measures.statistics import Gain, conclusion
from selfspec_core.report.words import number, shown, signed, span
from selfspec_core.stages.names import BASE_BEST


def limit_of(scores: Mapping[str, Any]) -> float:
    """Returns what may be lost elsewhere before it counts, in points of score.

    Runs note `rounds.collateral`; of what notes nothing it is that setting's default.
    """
    return float(scores.get("collateral_limit", 0.005))


def loss(gain: Mapping[str, Any], limit: float) -> str:
    """Says what became of another field: worse, if surely more than the limit is lost.

    Args:
        gain: of scores.json's `collateral`.
        limit: `rounds.collateral` of the run, in points of score.
    """
    own = Gain(gain["mean"], gain["low"], gain["high"])
    said = conclusion(own, min(gain["sizes"].values()))
    if said == "worse" and own.high >= -limit:
        return "no clear loss"
    return said.replace("no clear difference", "no clear loss")


def shown_split(splits: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Returns what is shown of a field: its test items, else its dev items."""
    return splits.get("test") or next(iter(splits.values()), None)


def elsewhere(fields: Mapping[str, Any], limit: float) -> list[dict[str, Any]]:
    """Returns one row per other field that was asked: both scores, the gain, what it shows."""
    rows = []
    for name, splits in fields.items():
        one = shown_split(splits)
        if one is None:
            continue
        said = loss(one, limit)
        ours = next(system for system in one["systems"] if system != BASE_BEST)
        rows.append(
            {
                "field": shown(name, 60),
                "base": number(one["systems"][BASE_BEST]),
                "ours": number(one["systems"][ours]),
                "mean": signed(one["mean"]),
                "interval": span(one),
                "n": one["n"],
                "verdict": said,
                "tone": {"better": "good", "worse": "bad"}.get(said, "open"),
            }
        )
    return rows
