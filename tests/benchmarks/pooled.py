"""`python tests/benchmarks/pooled.py RUN RUN RUN`: runs of several random seeds as one table.

A run counts as one draw, as a demonstration set does within a run: scores are means over runs, and
the bootstrap resamples runs as well as items within task. Prints the tables that README carries;
for runs of several domains, as many of each, one over all of their tasks too.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from selfspec_core.assemble import assemble
from selfspec_core.progress import Silent
from selfspec_core.request import Request
from selfspec_core.runs import RoundFolder, Run, find_run
from selfspec_core.statistics import Bootstrap, tabulate
from selfspec_core.types import CLOSED_KINDS, Item, Prediction

OURS = "specialized@0"
SYSTEMS = ("base@0", "base-best@0", "seeds-only@0", "seeds-only-long@0", OURS)


def predictions(runs: list[Path], domain: str) -> dict[str, list[Prediction]]:
    """Returns each system's answers to the domain's items, the run's number as the set's."""
    said: dict[str, list[Prediction]] = defaultdict(list)
    for number, run in enumerate(runs):
        for row in RoundFolder(run / "round-1", write=False).read("predictions"):
            if row["set"] == domain and row["system"] in SYSTEMS:
                prediction = Prediction.from_dict(row)
                said[prediction.system].append(replace(prediction, demo_set=number))
    return said


def table(items: list[Item], said: dict[str, list[Prediction]], title: str) -> None:
    """Prints scores and gains over `items`."""
    sizes: dict[str, int] = defaultdict(int)
    for item in items:
        sizes[item.task] += 1
    known, bootstrap = {item.id for item in items}, Bootstrap(sizes)
    tables = {
        system: tabulate(items, [p for p in said[system] if p.item in known]) for system in SYSTEMS
    }
    print(f"\n{title}\n\n| system | score | 95 % interval | SD over runs |\n|---|---|---|---|")
    for system in SYSTEMS:
        score, spread = bootstrap.score(tables[system]), bootstrap.spread(tables[system])
        print(
            f"| {system} | {score.value:.3f} | [{score.low:.3f}, {score.high:.3f}] | {spread:.3f} |"
        )
    print("\n| gain | mean | 95 % interval |\n|---|---|---|")
    for other in SYSTEMS[:-1]:
        gain = bootstrap.gain(tables[OURS], tables[other])
        print(f"| {OURS} − {other} | {gain.mean:+.3f} | [{gain.low:+.3f}, {gain.high:+.3f}] |")
    print("\n| task | " + " | ".join(SYSTEMS) + " |")
    print("|---" * (len(SYSTEMS) + 1) + "|")
    scores = {system: bootstrap.score(tables[system]).tasks for system in SYSTEMS}
    for task in sizes:
        print(f"| {task} | " + " | ".join(f"{scores[s][task]:.3f}" for s in SYSTEMS) + " |")


def read(runs: list[Path]) -> tuple[str, list[Item], dict[str, list[Prediction]]]:
    """Returns the domain, test items and answers of runs of one domain."""
    request = Request.from_dict(Run.open(runs[0]).manifest["request"])
    own = assemble(request, Silent()).parts.sets[0]
    return (
        own.name,
        [item for item in own.items if item.split == "test"],
        predictions(runs, own.name),
    )


def report(items: list[Item], said: dict[str, list[Prediction]], name: str, runs: int) -> None:
    """Prints the tables of items as scored, and of those with choices by likelihood."""
    closed = [item for item in items if item.kind in CLOSED_KINDS]
    likely = {s: [replace(p, parsed=p.likeliest) for p in rows] for s, rows in said.items()}
    table(items, said, f"{name}: {runs} runs, {len(items)} test items")
    table(closed, likely, f"{name}: closed kinds by likelihood, {len(closed)} test items")


def main() -> None:
    """Reads the runs named on the command line."""
    by_domain: dict[str, list[Path]] = defaultdict(list)
    for name in sys.argv[1:]:
        run = find_run(name)
        by_domain[Run.open(run).manifest["domain"]].append(run)
    items: list[Item] = []
    said: dict[str, list[Prediction]] = defaultdict(list)
    for runs in by_domain.values():
        domain, own, answers = read(runs)
        report(own, answers, domain, len(runs))
        files = [json.loads((run / "round-1/scores.json").read_text()) for run in runs]
        print(f"\naccepted examples: {[one['accepted'] for one in files]}")
        items += own
        for system, rows in answers.items():
            said[system] += rows
    sizes = {len(runs) for runs in by_domain.values()}
    if len(by_domain) > 1 and len(sizes) == 1:
        report(items, said, " + ".join(by_domain), sizes.pop())


if __name__ == "__main__":
    main()
