"""What a sweep found: for each value its scores and gains, over all draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from selfspec_core.measures.pooling import Answered, Pool, over_runs, pool, read_runs
from selfspec_core.measures.rows import score_row
from selfspec_core.measures.statistics import Bootstrap, Table
from selfspec_core.stages.names import BASES, OURS, SEED_CONTROLS
from selfspec_core.sweeps.points import LEFT_OUT, Point, SweepFolder


def summarize_sweep(folder: SweepFolder) -> dict[str, Any]:
    """Returns all there is to show of a sweep; values without a finished run have no scores."""
    sweep, about = folder.sweep, folder.about
    points = sweep.points()
    done = [p for p in points if finished(folder, p)]
    answers = dict(zip(done, read_runs([folder.of(p) for p in done]), strict=True))
    values = [
        _value([point for point in points if point.label == name], answers)
        for name in dict.fromkeys(point.label for point in points)
    ]
    summary = {
        "sweep": str(folder.path),
        "domain": about["domain"],
        "model": about["model"],
        "over": sweep.over,
        "draws": sweep.draws,
        "drawn": sweep.drawn if sweep.draws > 1 else None,
        "points": len(points),
        "finished": len(done),
        "failed": about["failed"],
        "notes": about["notes"],
        "values": values,
    }
    if sweep.over == LEFT_OUT:
        summary["left_out"] = _left_out(sweep.values, points, answers)
    return summary


def finished(folder: SweepFolder, point: Point) -> bool:
    """Says whether a point's run came to its end."""
    from selfspec_core.manifest import read_manifest

    path = folder.of(point)
    return (path / "manifest.json").exists() and read_manifest(path)["state"] == "finished"


def _value(points: Sequence[Point], answers: dict[Point, Answered]) -> dict[str, Any]:
    """Returns what the runs of one value add up to on the first set with items."""
    done = [point for point in points if point in answers]
    row: dict[str, Any] = {
        "value": points[0].value,
        "label": points[0].label,
        "runs": [point.name for point in done],
    }
    runs = [answers[point] for point in done]
    row["accepted"] = [run.scores["accepted"] for run in runs]
    if runs:
        row |= scored(pool(runs, runs[0].own))
    return row


def scored(pooled: Pool, rivals: Mapping[str, str | None] | None = None) -> dict[str, Any]:
    """Returns every system's score, and the gains over the better base and the better control.

    Args:
        rivals: which base and which control, if it is settled already.
    """
    systems = {}
    for system, table in pooled.tables.items():
        systems[system] = score_row(pooled.bootstrap, table)
        systems[system]["sd"] = pooled.bootstrap.spread(table)
        systems[system]["each"] = pooled.bootstrap.each(table)
    gains = {}
    for role, better in (rivals or better_ones(pooled)).items():
        if better and OURS in pooled.tables:
            gains[role] = {"over": better, **asdict(pooled.gain(OURS, better))}
    return {"systems": systems, "gains": gains, "sizes": dict(pooled.bootstrap.task_sizes)}


def better_ones(pooled: Pool) -> dict[str, str | None]:
    """Returns the better base and the better control: a claim has to hold against these."""
    return {"base": pooled.better(BASES), "control": pooled.better(SEED_CONTROLS)}


def _left_out(
    values: Iterable[Any], points: Sequence[Point], answers: dict[Point, Answered]
) -> dict[str, Any]:
    """Returns scores on the items of the tasks that each value leaves out, and over all of them.

    In the last, every task is scored by the run that has not seen it. The rivals are those that
    are better over all: chosen on the few items of a task they would be chosen by chance.
    """
    pools: list[tuple[tuple[str, ...], Pool]] = []
    for value in values:
        tasks = (value,) if isinstance(value, str) else tuple(value)
        runs = [answers[p] for p in points if p.value == value and p in answers]
        if runs and tasks:
            asked = runs[0].own
            items = [item for item in runs[0].items[asked] if item.task in tasks]
            pools.append((tasks, pool(runs, asked, items)))
    every = _together([one for _, one in pools])
    rivals = better_ones(every) if every else None
    rows = [
        {"tasks": list(tasks), "label": ", ".join(tasks), **scored(one, rivals)}
        for tasks, one in pools
        if one.tables
    ]
    return {"values": rows, "all": scored(every) if every else None}


def _together(pools: Sequence[Pool]) -> Pool | None:
    """Lays pools of different tasks side by side; None if they are not to be compared so."""
    sizes: dict[str, int] = {}
    for one in pools:
        sizes |= one.bootstrap.task_sizes
    apart = len(sizes) == sum(len(one.bootstrap.task_sizes) for one in pools)
    draws = {one.draws for one in pools}
    if len(pools) < 2 or len(draws) != 1 or not apart:
        return None
    systems = [s for s in pools[0].tables if all(s in one.tables for one in pools)]
    tables: dict[str, Table] = {
        system: {task: counts for one in pools for task, counts in one.tables[system].items()}
        for system in systems
    }
    runs = draws.pop()
    return Pool(tables, Bootstrap(sizes, drawn_with=over_runs(sizes, runs)), runs)
