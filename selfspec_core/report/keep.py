"""What a run keeps beside its journals, so that it can be read where nothing else is installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from selfspec_core.components import Context
from selfspec_core.errors import UsageError
from selfspec_core.files import write_atomically
from selfspec_core.journals import RoundFolder, dumps
from selfspec_core.measures.statistics import Bootstrap, Counts, tabulate
from selfspec_core.report.answers import keep_answers
from selfspec_core.report.cards import write_cards
from selfspec_core.runs import Run
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.types import Item, Prediction, Score, Seed

SEEDS, BY_TASK = "seeds.jsonl", "tasks.json"


def keep_seeds(run: Path, seeds: Sequence[Seed]) -> None:
    """Writes the seeds that a run shows and trains on into its folder."""
    write_atomically(run / SEEDS, "".join(dumps(seed.to_dict()) + "\n" for seed in seeds))


def read_seeds(run: Path) -> list[Seed]:
    """Returns the seeds that a run kept; none if it did not.

    Raises:
        UsageError: naming file and line.
    """
    file, seeds = run / SEEDS, []
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from None
    for number, line in enumerate(lines, 1):
        try:
            if line:
                seeds.append(Seed.from_dict(json.loads(line)))
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise UsageError(f"{file}:{number}: damaged: {error}") from None
    return seeds


def keep_results(run: Run, sets: Sequence[EvaluationSet], context: Context) -> None:
    """Writes what a finished run leaves beside its scores: by task, a few answers, the cards."""
    resamples = context.settings.evaluation.resamples
    for number in run.round_numbers():
        folder = run.round(number)
        keep_by_task(folder, sets, resamples, context.settings.random_seed)
        keep_answers(folder, sets[0])
        write_cards(folder, replace(context, round=number))


def keep_by_task(
    folder: RoundFolder, sets: Sequence[EvaluationSet], resamples: int, random_seed: int
) -> None:
    """Writes tasks.json: every score and gain of scores.json by task, each with its interval.

    An interval of a task is that of the whole table, on the task alone: the same resamples.
    Computed again from predictions.jsonl; a round that was not evaluated gets no file.
    """
    try:
        scores = json.loads((folder.path / "scores.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    found = {}
    for one in sets:
        told = scores["sets"].get(one.name, {})
        if told.get("systems"):
            said = _said(folder, one.name)
            found[one.name] = _table(one.split("test"), said, told, resamples, random_seed)
    if found:
        write_atomically(folder.path / BY_TASK, json.dumps(found, indent=1) + "\n")


def _said(folder: RoundFolder, name: str) -> dict[str, list[Prediction]]:
    """Returns what each system said to a set."""
    said: dict[str, list[Prediction]] = {}
    for row in folder.read("predictions"):
        if row["set"] == name:
            said.setdefault(row["system"], []).append(Prediction.from_dict(row))
    return said


def _table(
    items: Sequence[Item],
    said: dict[str, list[Prediction]],
    told: dict[str, Any],
    resamples: int,
    random_seed: int,
) -> dict[str, Any]:
    """Returns metrics, sizes, and by system and by pair: task -> value (mean), low, high."""
    known = {item.id for item in items}
    tables: dict[str, dict[str, Counts]] = {
        system: tabulate(items, [p for p in said[system] if p.item in known])
        for system in told["systems"]
        if system in said
    }
    counts = next(iter(tables.values()), {})
    sizes = {task: own.values.shape[1] for task, own in counts.items()}
    bootstrap = Bootstrap(sizes, resamples, random_seed)
    systems = {
        system: {task: _score(bootstrap.score({task: own})) for task, own in table.items()}
        for system, table in tables.items()
    }
    gains = {}
    for pair in told.get("gains", {}):
        ours, _, other = pair.partition(" - ")
        if ours in tables and other in tables:
            gains[pair] = {
                task: asdict(bootstrap.gain({task: own}, {task: tables[other][task]}))
                for task, own in tables[ours].items()
            }
    metrics = {task: own.metric for task, own in counts.items()}
    kinds = {item.task: item.kind for item in items}
    return {"metrics": metrics, "kinds": kinds, "sizes": sizes, "systems": systems, "gains": gains}


def _score(score: Score) -> dict[str, Any]:
    return {
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "parsable": score.parsable,
    }
