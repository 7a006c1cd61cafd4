"""What came out, said in plain words: the claim is made against the better of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfspec_core.report.systems import better, explained, family, ordered, ours
from selfspec_core.report.words import number, shown, signed, span
from selfspec_core.statistics import Gain, conclusion

_AGAINST = {
    "base": "the untuned model at its better",
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
    ahead = [one["against"] for one in found if one["verdict"] == "better"]
    behind = [one["against"] for one in found if one["verdict"] == "worse"]
    open_ = [one["against"] for one in found if one["tone"] == "open"]
    parts = []
    if ahead:
        parts.append(f"The specialist does better than {_listed(ahead)}")
    if behind:
        parts.append(f"it does worse than {_listed(behind)}")
    if open_:
        none = any(one["verdict"].startswith("no verdict") for one in found)
        why = "there are too few items for a verdict" if none else "the interval includes zero"
        parts.append(f"against {_listed(open_)} {why}, so no difference is shown")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def by_likelihood(scores: Mapping[str, Any]) -> str:
    """Says whether the gain holds where the form of an answer cannot count."""
    likely = scores.get("likelihood") or {}
    found = [one for one in claims(likely) if likely.get("gains")] if likely else []
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
        f"Of the specialist's answers {100 * known[mine]:.0f} % could be read, of those of "
        f"{shown(base, 60)} {100 * known[base]:.0f} %; an answer that cannot be read is wrong."
    )


def carried_by(gains: Mapping[str, Mapping[str, float]]) -> str:
    """Says over how many tasks a gain is spread: one that two tasks carry is another finding."""
    if len(gains) < 3:
        return ""
    means = sorted(((one["mean"], task) for task, one in gains.items()), reverse=True)
    total = sum(mean for mean, _ in means)
    up = sum(mean > 0 for mean, _ in means)
    down = sum(mean < 0 for mean, _ in means)
    clear_up = sum(one["low"] > 0 for one in gains.values())
    clear_down = sum(one["high"] < 0 for one in gains.values())
    text = (
        f"Ahead in {up} of {len(means)} tasks ({clear_up} with the interval above zero), behind in "
        f"{down} ({clear_down} with the interval below)."
    )
    first = means[0][0] + means[1][0]
    if total > 0 and first > 0.5 * total:
        names = f"{shown(means[0][1], 40)} and {shown(means[1][1], 40)}"
        text += (
            f" Without {names} the mean gain would be {signed((total - first) / (len(means) - 2))}."
        )
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
            "likely_interval": span(likely[name]) if name in likely else "–",
            "sd": one.get("sd"),
        }
        for name in ordered(scores["systems"])
        for one in (scores["systems"][name],)
    ]


def gain_rows(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns one row per pair: the other system, the gain, what it shows."""
    rows = []
    for pair, gain in scores.get("gains", {}).items():
        said = verdict(scores, pair)
        rows.append(
            {
                "other": shown(pair.partition(" - ")[2], 60),
                "family": family(pair.partition(" - ")[2]),
                "gain": gain,
                "mean": signed(gain["mean"]),
                "interval": span(gain),
                "verdict": said,
                "tone": _TONES.get(said, "open"),
            }
        )
    order = ordered(row["other"] for row in rows)
    return sorted(rows, key=lambda row: order.index(row["other"]))


def _listed(words: list[str]) -> str:
    return " and ".join(words)
