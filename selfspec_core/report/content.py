"""Everything the page says, from a run's summary and journals; the template only lays it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfspec_core.errors import UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.progress import duration
from selfspec_core.report.answers import answers
from selfspec_core.report.elsewhere import elsewhere, limit_of
from selfspec_core.report.keep import BY_TASK, read_seeds
from selfspec_core.report.measured import by_task, form_and_knowledge, gains, measured
from selfspec_core.report.result import claims, in_words
from selfspec_core.report.samples import samples
from selfspec_core.report.sections import cost, funnel, rounds, settings, varied
from selfspec_core.report.words import SHORT, command, shown
from selfspec_core.runs import Run
from selfspec_core.types import Example, Seed


def content(path: Path, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the template needs; only reads, also a run that is going on.

    Args:
        summary: of `selfspec show RUN --json`.

    Raises:
        UsageError: if a file of the run is damaged.
    """
    manifest = Run.open(path).manifest
    seeds = read_seeds(path)
    one = _round(summary)
    found: dict[str, Any] = {
        "run": shown(path.resolve().name, SHORT),
        "domain": shown(summary["domain"], SHORT),
        "model": shown(summary["model"], SHORT),
        "state": shown(summary["state"], SHORT),
        "date": shown(str(summary["created"])[:10], SHORT),
        "took": duration(float(summary["seconds"])) if summary["seconds"] else "",
        "notes": [shown(note, 600) for note in _notes(summary)],
        "command": shown(command(manifest["request"]), 4000),
        "settings": settings(manifest),
        "cost": cost(summary, one),
        "round": one["round"] if one else None,
        "rounds": rounds(summary, manifest),
        "lede": _lede(summary, manifest, one, seeds),
        "result": None,
        "benchmarks": [],
        "funnel": None,
        "variety": None,
        "elsewhere": [],
        "limit": 0.0,
        "answers": [],
        "samples": [],
    }
    if one is not None:
        found |= _about_round(path, summary, one, seeds, manifest)
    return found


def _about_round(
    path: Path,
    summary: Mapping[str, Any],
    one: Mapping[str, Any],
    seeds: list[Seed],
    manifest: Mapping[str, Any],
) -> dict[str, Any]:
    folder = RoundFolder(path / f"round-{one['round']}", write=False)
    each = _by_task(folder.path / BY_TASK)
    examples = [Example.from_dict(row) for row in folder.read("examples")]
    chosen = manifest["conditions"].get("settings", {})
    named = {str(summary["domain"]): one, **one.get("benchmarks", {})}
    results = [
        {"name": shown(name, SHORT), **found}
        for place, (name, scores) in enumerate(named.items())
        if (found := _result(f"set{place}", scores, each.get(name, {}))) is not None
    ]
    return {
        "result": results[0] if results else None,
        "benchmarks": results[1:],
        "funnel": funnel(one),
        "variety": varied(examples, seeds, chosen) if examples else None,
        "elsewhere": elsewhere(one.get("collateral") or {}, limit_of(one)),
        "limit": limit_of(one),
        "answers": answers(folder.path),
        "samples": samples(folder, one["tasks"]),
    }


def _result(name: str, scores: Mapping[str, Any], each: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns what is said of one set of items; None if nothing was asked of it."""
    if not scores.get("systems"):
        return None
    return {
        "words": in_words(scores),
        "claims": claims(scores),
        "gains": gains(f"{name}-gains", scores),
        "scores": measured(f"{name}-scores", scores),
        "tasks": by_task(f"{name}-tasks", scores, each),
        "form": form_and_knowledge(f"{name}-form", scores),
    }


def _round(summary: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Returns the round to report: the chosen one, else the last that has got furthest."""
    rounds = summary["rounds"]
    for one in rounds:
        if one["round"] == summary["chosen_round"]:
            return one  # type: ignore[no-any-return]
    return max(rounds, key=lambda one: (bool(one.get("systems")), one["round"]), default=None)


def _by_task(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{file}: damaged: expected a JSON object")
    return found


def _notes(summary: Mapping[str, Any]) -> list[str]:
    unscreened = summary["not_screened_against"]
    first = [f"not screened against: {', '.join(map(str, unscreened))}"] if unscreened else []
    return [*first, *map(str, summary["notes"])]


def _lede(
    summary: Mapping[str, Any],
    manifest: Mapping[str, Any],
    one: Mapping[str, Any] | None,
    seeds: list[Seed],
) -> str:
    """Says in a sentence or two what was done, as far as it was."""
    model, domain = shown(summary["model"], SHORT), shown(summary["domain"], SHORT)
    if one is None:
        return (
            f"A run that is to turn {model} into a specialist for {domain} has been prepared; "
            "nothing has been proposed yet."
        )
    tasks = len({seed.task for seed in seeds})
    start = f"From {len(seeds)} hand-written seeds in {tasks} tasks, " if seeds else ""
    text = (
        f"{start}{model} wrote {one['proposed']:,} pieces of work for {domain}; "
        f"{one['accepted']:,} were kept as examples."
    )
    text = f"{text[0].upper()}{text[1:]}" if not seeds else text
    training = (one.get("training") or {}).get("specialized")
    if training:
        return text + _tuned(one, training, manifest, len(seeds))
    if summary["state"] in ("running", "interrupted"):
        text += f" The run is {shown(summary['state'])}: it has not been tuned and measured yet."
    return text


def _tuned(
    one: Mapping[str, Any], training: Mapping[str, Any], manifest: Mapping[str, Any], seeds: int
) -> str:
    """Says how it was tuned, and on how many items it was measured."""
    table = manifest["conditions"].get("settings", {}).get("training", {})
    epochs = f" for {table['epochs']:g} epochs" if "epochs" in table else ""
    others = training["rows"] - one["accepted"]
    what = "that repeat the seeds" if others > seeds else "of seeds"
    replayed = f" and {others:,} rows {what}" if others > 0 else ""
    text = f" It was tuned on {training['rows'] - max(others, 0):,} examples{replayed}{epochs}"
    sets: list[Mapping[str, Any]] = [one, *one.get("benchmarks", {}).values()]
    first = next((found for found in sets if found["systems"]), None)
    if first is None:
        return f"{text}; no test items were asked."
    asked = max(system["n"] for system in first["systems"].values())
    return (
        f"{text} and then answered {asked:,} test items it had never seen, beside the untuned "
        "model and controls that were tuned on the seeds alone."
    )
