"""`selfspec seeds DOMAIN`: what the hand-written demonstrations look like."""

from __future__ import annotations

from collections import defaultdict

import click

from selfspec_core.cli.output import cell, console, print_json, table
from selfspec_core.contracts import seeds_of
from selfspec_core.errors import UsageError, nearest
from selfspec_core.plugins import PluginHost
from selfspec_core.types import Seed


@click.command()
@click.argument("domain")
@click.option("--task", metavar="TASK", help="Only the seeds of this task.")
@click.option("--json", "as_json", is_flag=True, help="Print every seed as JSON.")
def seeds(domain: str, task: str | None, as_json: bool) -> None:
    """Show the seeds of a domain."""
    chosen = read_seeds(domain)
    if task is not None:
        tasks = {seed.task for seed in chosen}
        if task not in tasks:
            raise UsageError(f"--task {task}: {domain} has no such task{nearest(task, tasks)}")
        chosen = [seed for seed in chosen if seed.task == task]
    if as_json:
        print_json([seed.to_dict() for seed in chosen])
    else:
        _print(domain, chosen)


def read_seeds(domain: str) -> list[Seed]:
    """Returns the seeds that the plugins offer for a domain, in order.

    Raises:
        UsageError: if there is no such domain, or a seed is broken.
    """
    host = PluginHost()
    host.load_defaults("seed_sources")
    host.load_domain(domain, "DOMAIN")
    name = domain.rpartition("/")[2]
    return seeds_of(cls for _, cls in host.offered("seed_sources", name))


def _print(domain: str, chosen: list[Seed]) -> None:
    groups: dict[tuple[str, str], list[Seed]] = defaultdict(list)
    for seed in chosen:
        groups[seed.task, seed.kind].append(seed)
    shown = table("task", "kind", "seeds", "for example", right=("seeds",))
    for (task, kind), members in groups.items():
        shown.add_row(cell(task, "bold"), cell(kind), cell(len(members)), cell(_short(members[0])))
    out = console()
    out.print(shown)
    out.print(f"{len(chosen)} seeds over {len({seed.task for seed in chosen})} tasks of {domain}")


def _short(seed: Seed) -> str:
    """Returns a seed as `instruction | input → output`, each cut to what a table has room for."""
    asked = (
        f"{_cut(seed.instruction, 70)} | {_cut(seed.input, 70)}"
        if seed.input
        else (_cut(seed.instruction, 140))
    )
    return f"{asked} → {_cut(seed.output, 40)}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
