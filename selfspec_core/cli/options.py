"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from selfspec_core.errors import UsageError
from selfspec_core.places import check_file

if TYPE_CHECKING:
    from selfspec_core.assembly.request import Request

F = TypeVar("F", bound=Callable[..., Any])

_REQUEST = (
    click.option("--domain", metavar="NAME", help="Domain to specialize in."),
    click.option("--model", metavar="ID|PATH", help="Base model: nano, a local folder, a hub id."),
    click.option(
        "--recipe",
        default="quick",
        show_default=True,
        metavar="quick|full|FILE",
        help="Settings; a FILE (`selfspec settings` writes one) takes the place of the recipe.",
    ),
    click.option(
        "--set", "set_flags", multiple=True, metavar="KEY=VALUE", help="One setting; repeatable."
    ),
    click.option("--seeds", metavar="FILE", help="Your own seeds: JSONL, or a qna.yaml."),
    click.option(
        "--benchmark",
        multiple=True,
        metavar="FILE|hf:SET",
        help="Measure on these items too, or on a mapped set of the hub; repeatable.",
    ),
)


def request_options(command: F) -> F:
    """Adds the options that say what a run is about."""
    for option in reversed(_REQUEST):
        command = option(command)
    return command


_LOOP = (
    click.option(
        "--knowledge",
        multiple=True,
        metavar="PATH",
        help="Answer from these files or folders; repeatable.",
    ),
    click.option(
        "--baseline",
        multiple=True,
        metavar="MODEL",
        help="Ask this model the same items: a folder or an id; repeatable.",
    ),
    click.option("--rounds", type=click.IntRange(1), help="Most rounds of the loop."),
    click.option("--random-seed", type=click.IntRange(0), help="Seed of everything random."),
)


def loop_options(command: F) -> F:
    """Adds the options of a whole loop that stand for settings, or go with one."""
    for option in reversed(_LOOP):
        command = option(command)
    return command


_EXECUTOR = (
    click.option(
        "--executor",
        type=click.Choice(["local", "ray"]),
        help="Where the model generates: here, or in actors of a Ray cluster.",
    ),
    click.option(
        "--address", metavar="HOST:PORT|auto", help="With --executor ray: of the head node."
    ),
)


def executor_options(command: F) -> F:
    """Adds the options that say where a run generates."""
    for option in reversed(_EXECUTOR):
        command = option(command)
    return command


def executor_table(executor: str | None, address: str | None) -> dict[str, Any]:
    """Returns the settings `executor.*` that the options stand for.

    Raises:
        UsageError: for an address that nothing goes to.
    """
    if address is not None and executor != "ray":
        raise UsageError("--address: goes with --executor ray")
    given = {"name": executor, "address": address}
    return {key: value for key, value in given.items() if value is not None}


def make_request(
    domain: str | None,
    model: str | None,
    recipe: str,
    set_flags: Sequence[str],
    seeds: str | None,
    benchmark: Sequence[str],
    knowledge: Sequence[str],
    baseline: Sequence[str],
    rounds: int | None,
    random_seed: int | None,
    executor: str | None = None,
    address: str | None = None,
) -> Request:
    """Returns what the options add up to; paths are made absolute, to be found on resume.

    Raises:
        UsageError: for a flag that is none, and for what will not be there any more then.
    """
    from selfspec_core.assembly.request import Request, resolved
    from selfspec_core.assembly.resolve import parse_flag
    from selfspec_core.assembly.trust import remember_hosts
    from selfspec_core.sets.hub import absolute

    flags = [parse_flag(flag) for flag in set_flags]
    if seeds:
        check_file(Path(seeds))
    if rounds is not None:
        flags.append({"rounds": {"max": rounds}})
    if random_seed is not None:
        flags.append({"random_seed": random_seed})
    if where := executor_table(executor, address):
        flags.append({"executor": where})
    remember_hosts(flags)
    return Request(
        domain,
        str(Path(recipe).absolute()) if recipe.endswith(".toml") else recipe,
        resolved(model) if model else None,
        str(Path(seeds).absolute()) if seeds else None,
        tuple(map(absolute, benchmark)),
        tuple(flags),
        tuple(str(Path(path).absolute()) for path in knowledge),
        tuple(map(resolved, baseline)),
    )


def stem_of(domain: str | None, seeds: str | None) -> str:
    """Returns what a made-up name begins with."""
    return (domain or Path(seeds or "run").stem).rpartition("/")[2]
