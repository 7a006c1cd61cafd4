"""`selfspec run`: the whole loop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from selfspec_core.cli.options import request_options
from selfspec_core.resolve import parse_flag


@click.command()
@request_options
@click.option(
    "--knowledge",
    multiple=True,
    metavar="PATH",
    help="Answer from these files or folders; repeatable.",
)
@click.option(
    "--baseline",
    multiple=True,
    metavar="MODEL",
    help="Ask this model the same items: a folder or an id; repeatable.",
)
@click.option("--rounds", type=click.IntRange(1), help="Most rounds of the loop.")
@click.option("--name", help="Name of the run folder under runs/.")
@click.option("--random-seed", type=click.IntRange(0), help="Seed of everything random.")
def run(
    domain: str | None,
    model: str | None,
    recipe: str,
    set_flags: tuple[str, ...],
    seeds: str | None,
    benchmark: tuple[str, ...],
    knowledge: tuple[str, ...],
    baseline: tuple[str, ...],
    rounds: int | None,
    name: str | None,
    random_seed: int | None,
) -> None:
    """Propose, answer, filter, tune and measure: the whole loop in one command."""
    from selfspec_core.cli.naming import made_up
    from selfspec_core.cli.session import start
    from selfspec_core.hub import absolute
    from selfspec_core.request import Request, resolved

    flags = [parse_flag(flag) for flag in set_flags]
    if rounds is not None:
        flags.append({"rounds": {"max": rounds}})
    if random_seed is not None:
        flags.append({"random_seed": random_seed})
    request = Request(
        domain,
        str(Path(recipe).resolve()) if recipe.endswith(".toml") else recipe,
        resolved(model) if model else None,
        str(Path(seeds).resolve()) if seeds else None,
        tuple(map(absolute, benchmark)),
        tuple(flags),
        tuple(str(Path(path).resolve()) for path in knowledge),
        tuple(map(resolved, baseline)),
    )
    stem = (domain or Path(seeds or "run").stem).rpartition("/")[2]
    start(made_up(stem) if name is None else name, request, asdict(request))
