"""The sections on how it was made: funnel, rounds, diversity, cost, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selfspec_core.assembly.resolve import as_toml, flat
from selfspec_core.progress import duration
from selfspec_core.report.charts import Bar, bars, histogram, line
from selfspec_core.report.measured import with_interval
from selfspec_core.report.variety import variety
from selfspec_core.report.words import SHORT, number, percent, shown
from selfspec_core.types import Example, Seed

_TASKS, _FILTERS, _REASONS = 30, 24, 6
_STEPS = {
    "imports": "import libraries",
    "prepare": "read seeds and items",
    "load": "load the model",
    "propose": "propose",
    "answer": "answer",
    "filter": "filter",
    "generic": "collect for the control generic",
    "train": "tune",
    "controls": "tune the controls",
    "pairs": "make pairs",
    "evaluate": "evaluate",
    "report": "draw the report",
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
        found = more.get("dev", one.get("dev"))
        dev = float(found) if isinstance(found, int | float) else None
        gain = more.get("gain") if isinstance(more.get("gain"), dict) else {}
        rows.append(
            {
                "round": one["round"],
                "proposed": one["proposed"],
                "accepted": one["accepted"],
                "dev": number(dev),
                "gain": f"{with_interval(gain)} over {shown(gain.get('over', ''), 60)}"
                if gain
                else "",
                "chosen": one["round"] == summary["chosen_round"],
            }
        )
        points += [(one["round"], dev)] if dev is not None else []
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
        "tasks": len({example.task for example in examples}),
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
