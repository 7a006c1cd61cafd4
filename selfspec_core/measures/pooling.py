"""Answers of finished runs read back, and several runs as one: scores and gains over all of them.

A run counts as one draw, as a demonstration set does within a run: scores are means over runs, and
the bootstrap resamples runs, each with all of its demonstration sets, as well as items within task.
It takes the same runs for every task, for what one run has more of than another, it has in all
tasks. With three runs their spread is hardly known: an interval over them is better than one over a
single run, and still too narrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from selfspec_core.assembly.assemble import read_sets
from selfspec_core.assembly.request import Request
from selfspec_core.errors import UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.manifest import as_written, read_scores
from selfspec_core.measures.rows import by_likelihood, sizes_of, with_choices
from selfspec_core.measures.statistics import Bootstrap, Counts, Gain, Table, macro, tabulate
from selfspec_core.provenance import digest_rows
from selfspec_core.runs import Run
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.types import Item, Prediction


@dataclass(frozen=True, slots=True)
class Answered:
    """What the systems of one run said to the test items, in the round that was chosen.

    Attributes:
        scores: the round's scores.json.
        items: test items by set; the first set is the domain's own.
        said: answers by set and system.
    """

    path: Path
    manifest: Mapping[str, Any]
    scores: Mapping[str, Any]
    items: Mapping[str, Sequence[Item]]
    said: Mapping[str, Mapping[str, Sequence[Prediction]]]

    @property
    def own(self) -> str:
        """The first set that has test items: the domain's own, if it has any."""
        return next((name for name, items in self.items.items() if items), next(iter(self.items)))

    @property
    def random_seed(self) -> int:
        """The run's random seed."""
        return int(self.manifest["conditions"]["settings"]["random_seed"])


@dataclass(frozen=True, slots=True)
class Pool:
    """Runs as one: counts of every system that all of them asked, on items of one set."""

    tables: Mapping[str, Table]
    bootstrap: Bootstrap
    draws: int = 1

    def better(self, systems: Iterable[str]) -> str | None:
        """Returns the one with the highest score, of those that were asked."""
        asked = [system for system in systems if system in self.tables]
        scores = {system: macro(self.tables[system]) for system in asked}
        return max(asked, key=lambda system: scores[system]) if asked else None

    def gain(self, system: str, other: str) -> Gain:
        """Returns how much better one system is than another, paired by item and run."""
        return self.bootstrap.gain(self.tables[system], self.tables[other])


def read_runs(paths: Sequence[Path]) -> list[Answered]:
    """Reads runs back; what the items are is worked out once for runs that asked the same.

    Raises:
        UsageError: naming the run that was not evaluated, or whose items are not what they were.
    """
    known: dict[str, list[EvaluationSet]] = {}
    return [_read(path, known) for path in paths]


def _read(path: Path, known: dict[str, list[EvaluationSet]]) -> Answered:
    manifest = Run.open(path).manifest
    number = manifest.get("chosen_round")
    if number is None:
        raise UsageError(f"{path}: is not finished; `selfspec resume {path}` goes on")
    folder = path / f"round-{number}"
    scores = read_scores(folder)
    if scores is None:
        raise UsageError(f"{path}: was not evaluated; there are no scores of it")
    if not isinstance(manifest["conditions"].get("settings"), dict):
        raise UsageError(f"{path / 'manifest.json'}: damaged: key 'conditions.settings' is missing")
    asked = manifest["conditions"].get("items", {})
    key = json.dumps(asked)
    if key not in known:
        known[key] = read_sets(
            Request.from_dict(manifest["request"], path / "manifest.json", works=False)
        )
        for one in known[key]:
            if digest_rows(one.items) != asked.get(one.name):
                raise UsageError(f"{path}: the items of '{one.name}' are not what they were then")
    said: dict[str, dict[str, list[Prediction]]] = {one.name: {} for one in known[key]}
    with as_written(folder / "predictions.jsonl"):
        for row in RoundFolder(folder, write=False).read("predictions"):
            if row["set"] in said and "[" not in row["system"]:  # MODEL[LAYOUT] was asked dev items
                said[row["set"]].setdefault(row["system"], []).append(Prediction.from_dict(row))
    items = {one.name: one.split("test") for one in known[key]}
    return Answered(path, manifest, scores, items, said)


def over_runs(tasks: Iterable[str], runs: int) -> dict[str, str]:
    """Returns how sets are to be drawn: where they are runs, the same ones for every task."""
    return dict.fromkeys(tasks, "runs") if runs > 1 else {}


def pool(
    runs: Sequence[Answered],
    asked: str,
    items: Sequence[Item] | None = None,
    *,
    likely: bool = False,
    resamples: int = 2000,
) -> Pool:
    """Makes one of several runs.

    Args:
        asked: name of the set.
        items: which of its test items; all of them by default.
        likely: score the likeliest choice of items that have choices, not what was said.

    Raises:
        UsageError: if a system did not answer all of the items, naming the run.
    """
    chosen = list(runs[0].items[asked] if items is None else items)
    if likely:
        chosen = with_choices(chosen)
    sizes = sizes_of(chosen)
    bootstrap = Bootstrap(sizes, resamples, drawn_with=over_runs(sizes, len(runs)))
    systems = [s for s in runs[0].said[asked] if all(s in run.said[asked] for run in runs)]
    if not chosen:
        return Pool({}, bootstrap, len(runs))
    tables = {s: _table(runs, asked, s, chosen, likely=likely) for s in systems}
    return Pool({s: table for s, table in tables.items() if table}, bootstrap, len(runs))


def _table(
    runs: Sequence[Answered], asked: str, system: str, items: Sequence[Item], *, likely: bool
) -> dict[str, Counts]:
    """Tabulates what a system said in every run; a run's demonstration sets stay together."""
    known, said, of = {item.id for item in items}, list[Prediction](), list[int]()
    for number, run in enumerate(runs):
        own = [p for p in run.said[asked][system] if p.item in known]
        if likely and not (own := by_likelihood(items, own)):
            return {}
        sets = 1 + max((p.demo_set for p in own), default=0)
        if len(own) != sets * len(known):
            raise UsageError(f"{run.path}: {system} did not answer all items of '{asked}'")
        said += [replace(p, demo_set=len(of) + p.demo_set) for p in own]
        of += [number] * sets
    table = tabulate(items, said)
    if len(of) == len(runs) or len(runs) == 1:
        return table
    return {task: replace(counts, runs=tuple(of)) for task, counts in table.items()}
