"""`python tests/benchmarks/pooled.py RUN RUN RUN`: runs of several random seeds as one table.

A run counts as one draw, as a demonstration set does within a run: scores are means over runs, and
the bootstrap resamples runs, the same for all tasks of a domain, as well as items within task.
Prints the tables that README carries; for runs of several domains, as many of each, one over all of
their tasks too. The items are those of the domain, or of another set the runs asked (`--items
nano-world`).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from selfspec_core.assemble import assemble
from selfspec_core.errors import UsageError
from selfspec_core.progress import Silent
from selfspec_core.request import Request
from selfspec_core.runs import RoundFolder, Run, find_run
from selfspec_core.statistics import Bootstrap, tabulate
from selfspec_core.types import CLOSED_KINDS, Item, Prediction

OURS = "specialized@0"
SYSTEMS = ("base@0", "base-best@0", "seeds-only@0", "seeds-only-long@0", OURS)


def predictions(runs: list[Path], asked: str, domain: str) -> dict[str, list[Prediction]]:
    """Returns each system's answers to a set's items, the run's number as the demonstrations'."""
    said: dict[str, list[Prediction]] = defaultdict(list)
    for number, run in enumerate(runs):
        for row in RoundFolder(run / "round-1", write=False).read("predictions"):
            if row["set"] == asked and row["system"] in SYSTEMS:
                one = Prediction.from_dict(row)
                named = replace(one, item=f"{domain}/{one.item}", demo_set=number)
                said[one.system].append(named)
    return said


def table(items: list[Item], said: dict[str, list[Prediction]], title: str) -> None:
    """Prints scores and gains over `items`."""
    sizes: dict[str, int] = defaultdict(int)
    for item in items:
        sizes[item.task] += 1
    known = {item.id for item in items}
    bootstrap = Bootstrap(sizes, drawn_with={task: task.partition("/")[0] for task in sizes})
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
        row = " | ".join(f"{scores[system][task]:.3f}" for system in SYSTEMS)
        print(f"| {task.partition('/')[2]} | {row} |")


def read(runs: list[Path], asked: str | None) -> tuple[list[Item], dict[str, list[Prediction]]]:
    """Returns the test items and answers of runs of one domain, under the domain's name."""
    request = Request.from_dict(Run.open(runs[0]).manifest["request"], runs[0] / "manifest.json")
    assembly = assemble(request, Silent())
    domain, sets = assembly.parts.sets[0].name, {one.name: one for one in assembly.parts.sets}
    if asked and asked not in sets:
        raise UsageError(f"--items {asked}: {runs[0]} asked {', '.join(sets)}")
    own = sets[asked or domain]
    items = [
        replace(item, id=f"{domain}/{item.id}", task=f"{domain}/{item.task}")
        for item in own.items
        if item.split == "test"
    ]
    return items, predictions(runs, own.name, domain)


def report(items: list[Item], said: dict[str, list[Prediction]], name: str, runs: int) -> None:
    """Prints the tables of items as scored, and of those with choices by likelihood."""
    closed = [item for item in items if item.kind in CLOSED_KINDS]
    likely = {s: [replace(p, parsed=p.likeliest) for p in rows] for s, rows in said.items()}
    table(items, said, f"{name}: {runs} runs, {len(items)} test items")
    table(closed, likely, f"{name}: closed kinds by likelihood, {len(closed)} test items")


def main() -> None:
    """Reads the runs named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--items", help="the set they come from; default: the domain's own")
    options = parser.parse_args()
    by_domain: dict[str, list[Path]] = defaultdict(list)
    for name in options.runs:
        run = find_run(name)
        by_domain[Run.open(run).manifest["domain"]].append(run)
    items: list[Item] = []
    said: dict[str, list[Prediction]] = defaultdict(list)
    for domain, runs in by_domain.items():
        own, answers = read(runs, options.items)
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
