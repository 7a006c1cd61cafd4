"""What came out, said in plain words: the claim is made against the better of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfspec_core.measures.statistics import Gain, conclusion
from selfspec_core.report.systems import better, explained, family, ordered, ours
from selfspec_core.report.words import number, percent, shown, signed, span

_AGAINST = {
    "base": "the untuned model in its better layout",
    "control": "the better control",
}
_TONES = {"better": "good", "worse": "bad"}


def verdict(scores: Mapping[str, Any], pair: str) -> str:
    """Returns what a gain shows, in the words of `selfspec show`."""
    gain = scores["gains"][pair]
    asked = scores["systems"].get(pair.partition(" - ")[0], {})
    mean = int(asked.get("n", 0)) // max(len(asked.get("tasks", ())), 1)
    fewest = min(scores.get("sizes", {}).values(), default=mean)
    return conclusion(Gain(gain["mean"], gain["low"], gain["high"]), int(fewest))


def claims(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the gain over the better base and over the better control, each with its words."""
    found = []
    for kind, against in _AGAINST.items():
        other = better(scores, kind)
        pair = f"{ours(scores)} - {other}"
        if other is None or pair not in scores["gains"]:
            continue
        gain, said = scores["gains"][pair], verdict(scores, pair)
        found.append(
            {
                "against": against,
                "system": shown(other, 60),
                "what": explained(other),
                "mean": signed(gain["mean"]),
                "interval": span(gain),
                "ours": number(scores["systems"][ours(scores)]["macro"]),
                "theirs": number(scores["systems"][other]["macro"]),
                "verdict": said,
                "tone": _TONES.get(said, "open"),
            }
        )
    return found


def in_words(scores: Mapping[str, Any]) -> str:
    """Returns the result as a sentence or two that a reader can repeat."""
    found = claims(scores)
    if not found:
        return ""
    said = {
        tone: " and ".join(
            f"{one['against']} ({one['mean']})" for one in found if one["tone"] == tone
        )
        for tone in ("good", "open", "bad")
    }
    few = any(one["verdict"].startswith("no verdict") for one in found)
    why = "there is too little for a verdict" if few else "the interval includes zero"
    parts = [
        f"the specialist does better than {said['good']}" if said["good"] else "",
        f"the specialist does worse than {said['bad']}" if said["bad"] else "",
        f"against {said['open']} {why}" if said["open"] else "",
    ]
    text = "; ".join(part for part in parts if part)
    text = text if said["good"] else f"no gain is shown: {text}"
    return f"{text[0].upper()}{text[1:]}."


def by_likelihood(scores: Mapping[str, Any]) -> str:
    """Says whether the gain holds where the form of an answer cannot count."""
    found = claims(likely) if (likely := scores.get("likelihood")) else []
    if not found:
        return (
            "Choices were not scored by likelihood, so how much of a gain is form is not known "
            "beyond the share of answers that could be read."
        )
    said = [
        f"{one['mean']} [{one['interval']}] over {one['system']} ({one['verdict']})"
        for one in found
    ]
    return (
        "Scored by which choice the model finds likeliest, which needs no form, the specialist's "
        f"gain is {' and '.join(said)}."
    )


def form(scores: Mapping[str, Any]) -> str:
    """Says how the shares of answers that could be read compare."""
    mine, base = ours(scores), better(scores, "base")
    known = {name: one.get("parsable") for name, one in scores["systems"].items()}
    if base is None or known.get(mine) is None or known.get(base) is None:
        return ""
    return (
        f"Of the specialist's answers {percent(known[mine])} could be read, of those of "
        f"{shown(base, 60)} {percent(known[base])}; an answer that cannot be read is wrong."
    )


def carried_by(gains: Mapping[str, Mapping[str, float]], other: str) -> str:
    """Says over how many tasks a gain is spread: one that two tasks carry is another finding.

    Args:
        gains: over the system `other`: task -> mean, low, high.
    """
    if len(gains) < 3:
        return ""
    means = sorted(((one["mean"], task) for task, one in gains.items()), reverse=True)
    total = sum(mean for mean, _ in means)
    up = sum(mean > 0 for mean, _ in means)
    down = sum(mean < 0 for mean, _ in means)
    clear_up = sum(one["low"] > 0 for one in gains.values())
    clear_down = sum(one["high"] < 0 for one in gains.values())
    text = (
        f"Compared with {shown(other, 60)} it is ahead in {up} of {len(means)} tasks ({clear_up} "
        f"with the interval above zero) and behind in {down} ({clear_down} with it below)."
    )
    first = means[0][0] + means[1][0]
    if total > 0 and first > 0.5 * total:
        names = f"{shown(means[0][1], 40)} and {shown(means[1][1], 40)}"
        without = signed((total - first) / (len(means) - 2))
        text += f" Without {names} the mean gain would be {without}."
    return text


def table(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns one row per system, with what it is and what it scored."""
    likely = (scores.get("likelihood") or {}).get("systems", {})
    return [
        {
            "system": shown(name, 60),
            "family": family(name),
            "what": explained(name),
            "macro": number(one["macro"]),
            "interval": span(one),
            "parsable": one.get("parsable"),
            "n": one["n"],
            "likelihood": number(likely[name]["macro"]) if name in likely else "–",
            "sd": one.get("sd"),
        }
        for name in ordered(scores["systems"])
        for one in (scores["systems"][name],)
    ]


def gain_rows(scores: Mapping[str, Any], of: str | None = None) -> list[dict[str, Any]]:
    """Returns one row per system that another is compared with: the gain, what it shows.

    What it becomes with demonstrations or passages has gains of its own, which are none of these.

    Args:
        of: the system whose gains they are; by default the one that stands for the run.
    """
    rows = []
    for pair, gain in scores.get("gains", {}).items():
        mine, _, other = pair.partition(" - ")
        if mine != (of or ours(scores)):
            continue
        said = verdict(scores, pair)
        rows.append(
            {
                "other": shown(other, 60),
                "gain": gain,
                "mean": signed(gain["mean"]),
                "interval": span(gain),
                "verdict": said,
                "tone": _TONES.get(said, "open"),
            }
        )
    order = ordered(row["other"] for row in rows)
    return sorted(rows, key=lambda row: order.index(row["other"]))
