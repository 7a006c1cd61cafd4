"""The sections that measure: numbers in words beside the figure that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selfspec_core.report.charts import Bar, bars
from selfspec_core.report.figures import Dot, bands, dots, markers
from selfspec_core.report.result import by_likelihood, carried_by, form, gain_rows, table
from selfspec_core.report.systems import better, family, ordered, ours
from selfspec_core.report.words import SHORT, number, percent, shown, signed

_ROWS, _TASKS = 16, 30


def gains(name: str, scores: Mapping[str, Any]) -> Any:
    """Returns the figure of the gains over every other system."""
    rows = [
        Dot(
            f"over {row['other']}",
            row["gain"]["mean"],
            row["gain"]["low"],
            row["gain"]["high"],
            {"good": "ours", "bad": "bad"}.get(row["tone"], "muted"),
            row["mean"],
        )
        for row in gain_rows(scores)[:_ROWS]
    ]
    title = "Gains of the specialist, each with its 95 % interval"
    return dots(name, title, rows, zero=True) if rows else ""


def measured(name: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the scores of all systems as figure and table."""
    systems = ordered(scores["systems"])
    looks = markers(systems)
    rows = [
        Dot(
            system,
            one["macro"],
            one["low"],
            one["high"],
            said=number(one["macro"]),
            **looks[system],
        )
        for system in systems[:_ROWS]
        for one in (scores["systems"][system],)
    ]
    title = "Score of every system, mean over tasks, with its 95 % interval"
    found = table(scores)
    return {
        "figure": dots(name, title, rows),
        "table": found,
        "spread": any(row["sd"] is not None for row in found),
        "n": max((one["n"] for one in scores["systems"].values()), default=0),
    }


def by_task(name: str, scores: Mapping[str, Any], each: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the scores of every task for every system; the largest gains come first.

    Args:
        each: the set's part of tasks.json; without it there are points without intervals.
    """
    systems = ordered(scores["systems"])[:_ROWS]
    mine, base = ours(scores), better(scores, "base")
    known = scores["systems"]
    tasks = list(dict.fromkeys(task for system in systems for task in known[system]["tasks"]))

    def gain(task: str) -> float:
        first, second = (known.get(name, {}).get("tasks", {}).get(task) for name in (mine, base))
        return (first or 0.0) - (second or 0.0)

    tasks.sort(key=lambda task: (-gain(task), task))
    looks = markers(systems)
    rows = {
        task: [
            Dot(system, known[system]["tasks"][task], *_ends(each, system, task), **looks[system])
            for system in systems
            if task in known[system]["tasks"]
        ]
        for task in tasks
    }
    gained = each.get("gains", {}).get(f"{mine} - {base}", {})
    first = {shown(task, SHORT): rows[task] for task in tasks[:_TASKS]}
    legend = [Dot(system, 0, **looks[system]) for system in systems]
    title = "Score of every task for every system, with 95 % intervals"
    return {
        "figure": bands(name, title, first, legend) if first else "",
        "intervals": bool(each),
        "left_out": max(len(tasks) - _TASKS, 0),
        "words": carried_by(gained, base or ""),
        "base": shown(base or "", SHORT),
        "systems": [shown(system, 60) for system in systems],
        "rows": [
            {
                "task": shown(task, SHORT),
                "metric": shown(each.get("metrics", {}).get(task, ""), 40),
                "n": each.get("sizes", scores.get("sizes", {})).get(task),
                "gain": with_interval(gained.get(task)),
                "values": [number(known[system]["tasks"].get(task)) for system in systems],
            }
            for task in tasks[:_TASKS]
        ],
    }


def _ends(each: Mapping[str, Any], system: str, task: str) -> tuple[float | None, float | None]:
    found = each.get("systems", {}).get(system, {}).get(task)
    return (found["low"], found["high"]) if found else (None, None)


def with_interval(gain: Mapping[str, float] | None) -> str:
    """Returns a gain and its interval on one line; nothing for None."""
    if gain is None:
        return ""
    return f"{signed(gain['mean'])} [{number(gain['low'])}, {number(gain['high'])}]"


def form_and_knowledge(name: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the share of answers that could be read, and scores by likelihood of the choices."""
    systems = ordered(scores["systems"])[:_ROWS]
    looks = markers(systems)
    read: list[Bar] = [
        Bar(system, share, percent(share), family(system))
        for system in systems
        if (share := scores["systems"][system].get("parsable")) is not None
    ]
    likely = (scores.get("likelihood") or {}).get("systems", {})
    rows = [
        Dot(
            s,
            likely[s]["macro"],
            likely[s]["low"],
            likely[s]["high"],
            said=number(likely[s]["macro"]),
            **looks[s],
        )
        for s in systems
        if s in likely
    ]
    return {
        "words": [words for words in (form(scores), by_likelihood(scores)) if words],
        "parsable": bars(f"{name}-read", "Share of answers that could be read", read)
        if read
        else "",
        "likelihood": dots(f"{name}-likely", "Scores by likelihood of the choices", rows)
        if rows
        else "",
        "n": max((one["n"] for one in likely.values()), default=0),
        "gains": gains(f"{name}-likely-gains", scores["likelihood"]) if likely else "",
    }
