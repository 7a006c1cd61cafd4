"""The sections of the page: numbers in words beside the figure that shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selfspec_core.progress import duration
from selfspec_core.report.charts import Bar, bars, histogram, line
from selfspec_core.report.figures import Dot, bands, dots, markers
from selfspec_core.report.result import by_likelihood, carried_by, form, gain_rows, table
from selfspec_core.report.systems import better, family, ordered, ours
from selfspec_core.report.variety import variety
from selfspec_core.report.words import SHORT, number, percent, shown, signed
from selfspec_core.resolve import as_toml, flat
from selfspec_core.types import Example, Seed

_ROWS, _TASKS, _FILTERS, _REASONS = 16, 30, 24, 6
_STEPS = {
    "load": "load the model",
    "propose": "propose",
    "answer": "answer",
    "train": "tune, with controls",
    "evaluate": "evaluate",
}


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
                "gain": _with_interval(gained.get(task)),
                "values": [number(known[system]["tasks"].get(task)) for system in systems],
            }
            for task in tasks[:_TASKS]
        ],
    }


def _ends(each: Mapping[str, Any], system: str, task: str) -> tuple[float | None, float | None]:
    found = each.get("systems", {}).get(system, {}).get(task)
    return (found["low"], found["high"]) if found else (None, None)


def _with_interval(gain: Mapping[str, float] | None) -> str:
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


def funnel(one: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what became of the proposals: how many each filter took, and why."""
    proposed = one["proposed"]
    left = [Bar("proposed", proposed, f"{proposed:,}")]
    remaining, rows = proposed, []
    for name, count in list(one["rejected"].items())[:_FILTERS]:
        remaining -= count
        left.append(Bar(f"− {name}", count, f"{count:,}", "faint", remaining))
        prefix = f"{name}: "
        reasons = [
            (shown(key.removeprefix(prefix), SHORT), n)
            for key, n in one["reasons"].items()
            if key.startswith(prefix)
        ]
        rows.append(
            {
                "filter": shown(name, SHORT),
                "count": count,
                "share": percent(count / proposed) if proposed else "",
                "reasons": reasons[:_REASONS],
                "other": max(len(reasons) - _REASONS, 0),
            }
        )
    if (unused := one.get("unused", 0)) > 0:
        word = "not needed" if one.get("evaluated") else "not answered yet"
        left.append(Bar(f"− {word}", unused, f"{unused:,}", "faint", remaining - unused))
    left.append(Bar("examples", one["accepted"], f"{one['accepted']:,}", "ours"))
    tasks = [Bar(shown(t, 40), n, f"{n:,}", "ours") for t, n in list(one["tasks"].items())[:_TASKS]]
    return {
        "proposed": proposed,
        "accepted": one["accepted"],
        "share": percent(one["accepted"] / proposed) if proposed else "",
        "figure": bars("funnel", "From proposals to examples", left) if proposed else "",
        "rows": rows,
        "tasks": bars("accepted", "Examples by task", tasks, row=22) if tasks else "",
    }


def rounds(summary: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns what each round came to on dev, and why there was none after the last; if several."""
    if len(summary["rounds"]) < 2:
        return None
    noted = manifest.get("rounds")
    told = (
        {n.get("round"): n for n in noted if isinstance(n, dict)} if isinstance(noted, list) else {}
    )
    rows, points = [], []
    for one in summary["rounds"]:
        more = told.get(one["round"], {})
        dev = one.get("dev") if isinstance(one.get("dev"), float) else more.get("dev")
        gain = more.get("gain") if isinstance(more.get("gain"), dict) else {}
        rows.append(
            {
                "round": one["round"],
                "proposed": one["proposed"],
                "accepted": one["accepted"],
                "dev": number(dev),
                "gain": f"{_with_interval(gain)} over {shown(gain.get('over', ''), 60)}"
                if gain
                else "",
                "chosen": one["round"] == summary["chosen_round"],
            }
        )
        points += [(one["round"], float(dev))] if dev is not None else []
    stopped = manifest.get("stopped")
    title = "Score of the specialist on dev items, by round"
    return {
        "rows": rows,
        "stopped": shown(stopped, 300) if isinstance(stopped, str) else "",
        "figure": line("rounds", title, points, summary["chosen_round"], "on dev")
        if points
        else "",
    }


def varied(
    examples: Sequence[Example],
    seeds: Sequence[Seed],
    one: Mapping[str, Any],
    chosen: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns how varied the examples are, and how near they come to the seeds."""
    found = variety(examples, seeds)
    limit = (chosen.get("filters", {}).get("novelty") or {}).get("threshold", 0.7)
    used = "novelty" in chosen.get("filters", {}).get("order", ())
    scores = sorted(found["nearest"]["scores"])
    words = histogram(
        "lengths",
        "Words of instruction and input: examples filled, seeds as a line",
        found["lengths"],
        found["seed_lengths"],
        "words of instruction and input",
    )
    near = histogram(
        "nearest",
        "Likeness of each example to the seed nearest to it",
        scores,
        (),
        "ROUGE-L F1 with the nearest seed",
        mark=limit if used else None,
        whole=False,
    )
    return {
        **found,
        "tasks": len(one["tasks"]),
        "count": len(examples),
        "figure": words,
        "pairs_figure": bars(
            "pairs",
            "How instructions begin",
            [Bar(p, n, f"{n:,}", "ours") for p, n in found["pairs"]],
            row=20,
        ),
        "near_figure": near if scores else "",
        "median": number(scores[len(scores) // 2]) if scores else "",
        "most": number(scores[-1]) if scores else "",
        "limit": limit if used else None,
    }


def cost(summary: Mapping[str, Any], one: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns wall time by stage, and what training took."""
    steps = list(summary["timings"].items())
    rest = (summary["seconds"] or 0) - sum(seconds for _, seconds in steps)
    steps += [("everything else", rest)] if rest > 0.05 and steps else []
    rows: list[Bar] = [
        Bar(shown(_STEPS.get(step, step), 40), seconds, duration(seconds))
        for step, seconds in steps
    ]
    training = (one or {}).get("training") or {}
    return {
        "figure": bars("time", "Wall time by stage", rows) if rows else "",
        "training": [
            {
                "system": shown(name, 60),
                "rows": row.get("rows"),
                "steps": row.get("steps"),
                "tokens": row.get("tokens"),
                "loss": " → ".join(f"{loss:.2f}" for loss in row.get("loss") or ()),
            }
            for name, row in training.items()
        ],
    }


def settings(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that differ from the defaults, all of them, and the versions."""
    from selfspec_core.config import Settings

    usual = flat(Settings().model_dump(mode="json"))
    mine = flat(manifest["conditions"].get("settings", {}))
    rows = [
        (
            shown(k, SHORT),
            "none" if v is None else shown(as_toml(v), 300),
            k in usual and usual[k] == v,
        )
        for k, v in mine.items()
    ]
    versions = manifest["conditions"].get("version", {})
    return {
        "changed": [(key, value) for key, value, same in rows if not same],
        "all": [(key, value) for key, value, _ in rows],
        "versions": [(shown(k, 60), shown(v, 60)) for k, v in versions.items()],
        "machine": shown(_machine(manifest.get("machine", {})), SHORT),
        "screened": len(manifest["conditions"].get("screened against", {})),
    }


def _machine(found: Mapping[str, Any]) -> str:
    cpus, python = found.get("cpus", "?"), found.get("python", "?")
    return f"{found.get('platform', 'an unknown machine')}, {cpus} CPUs, Python {python}"
