"""`python tests/benchmarks/pooled.py RUN RUN RUN`: runs of several random seeds as one table.

Prints the tables that README carries (`selfspec_core.measures.pooling` says how runs become one);
for runs of several domains, as many of each, one over all of their tasks too. The items are those
of the domain, or of another set the runs asked (`--items nano-world`).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from selfspec_core.cli.order import ordered
from selfspec_core.errors import UsageError
from selfspec_core.measures.pooling import Answered, Pool, pool, read_runs
from selfspec_core.measures.statistics import Bootstrap
from selfspec_core.runs import find_run
from selfspec_core.stages.names import OURS


def table(pooled: Pool, title: str) -> None:
    """Prints scores and gains of every system that all runs asked."""
    bootstrap, tables = pooled.bootstrap, pooled.tables
    systems = ordered(tables)
    items = sum(bootstrap.task_sizes.values())
    print(f"\n{title}, {items} test items\n\n| system | score | 95 % interval | SD over runs |")
    print("|---|---|---|---|")
    for system in systems:
        score, spread = bootstrap.score(tables[system]), bootstrap.spread(tables[system])
        told = "-" if spread is None else f"{spread:.3f}"
        print(f"| {system} | {score.value:.3f} | [{score.low:.3f}, {score.high:.3f}] | {told} |")
    print("\n| gain | mean | 95 % interval |\n|---|---|---|")
    for other in (system for system in systems if system != OURS):
        gain = pooled.gain(OURS, other)
        print(f"| {OURS} − {other} | {gain.mean:+.3f} | [{gain.low:+.3f}, {gain.high:+.3f}] |")
    print("\n| task | " + " | ".join(systems) + " |")
    print("|---" * (len(systems) + 1) + "|")
    scores = {system: bootstrap.score(tables[system]).tasks for system in systems}
    for task in bootstrap.task_sizes:
        row = " | ".join(f"{scores[system][task]:.3f}" for system in systems)
        print(f"| {task.partition('/')[2]} | {row} |")


def named(pooled: Pool, domain: str) -> Pool:
    """Returns the same with the domain's name before the tasks'."""
    sizes = {f"{domain}/{task}": n for task, n in pooled.bootstrap.task_sizes.items()}
    tables = {
        system: {f"{domain}/{task}": counts for task, counts in own.items()}
        for system, own in pooled.tables.items()
    }
    return Pool(tables, Bootstrap(sizes, drawn_with=by_domain(sizes)), pooled.draws)


def together(pools: list[Pool]) -> Pool:
    """Returns the tasks of several domains side by side."""
    sizes = {task: n for one in pools for task, n in one.bootstrap.task_sizes.items()}
    tables = {
        system: {task: counts for one in pools for task, counts in one.tables[system].items()}
        for system in pools[0].tables
        if all(system in one.tables for one in pools)
    }
    return Pool(tables, Bootstrap(sizes, drawn_with=by_domain(sizes)), pools[0].draws)


def report(pools: list[Pool], name: str) -> None:
    """Prints the table as scored, and that of items with choices by likelihood."""
    for pooled, how in zip(pools, ("", ", closed kinds by likelihood"), strict=False):
        if pooled.tables:
            table(pooled, f"{name}: {pooled.draws} runs{how}")


def by_domain(tasks: Iterable[str]) -> dict[str, str]:
    """Returns how runs are drawn: the same ones for all tasks of a domain (`DOMAIN/TASK`)."""
    return {task: task.partition("/")[0] for task in tasks}


def main() -> None:
    """Reads the runs named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--items", help="the set they come from; default: the domain's own")
    options = parser.parse_args()
    runs_of: dict[str, list[Answered]] = defaultdict(list)
    paths: list[Path] = [find_run(name) for name in options.runs]
    for run in read_runs(paths):
        runs_of[run.manifest["domain"]].append(run)
    every: list[list[Pool]] = []
    for domain, runs in runs_of.items():
        asked = options.items or next(iter(runs[0].items))
        if asked not in runs[0].items:
            raise UsageError(f"--items {asked}: {runs[0].path} asked {', '.join(runs[0].items)}")
        pools = [named(pool(runs, asked, likely=likely), domain) for likely in (False, True)]
        report(pools, domain)
        print(f"\naccepted examples: {[run.scores['accepted'] for run in runs]}")
        every.append(pools)
    if len(every) > 1 and len({pools[0].draws for pools in every}) == 1:
        sides = [list(side) for side in zip(*every, strict=True) if all(one.tables for one in side)]
        report([together(side) for side in sides], " + ".join(runs_of))


if __name__ == "__main__":
    main()
