"""`selfspec knowledge`: the files that a domain's answers may draw on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _chosen(command: F) -> F:
    """Adds what says whose index is meant, and with which settings."""
    for option in (
        click.option("--set", "set_flags", multiple=True, metavar="KEY=VALUE", help="One setting."),
        click.option(
            "--recipe",
            default="quick",
            show_default=True,
            metavar="quick|full|FILE",
            help="Settings.",
        ),
        click.argument("domain"),
    ):
        command = option(command)
    return command


@click.group(no_args_is_help=False)
def knowledge() -> None:
    """Index, search and list a domain's knowledge."""


@knowledge.command()
@_chosen
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
def add(domain: str, paths: tuple[str, ...], recipe: str, set_flags: tuple[str, ...]) -> None:
    """Index files: txt, md, html, pdf, docx, jsonl; folders recursively.

    A file that is in already is left alone; one that has changed replaces its passages. Exit
    code 1 if a file could not be read; all others are in.
    """
    from selfspec_core.cli.output import plain
    from selfspec_core.cli.progress import make_progress
    from selfspec_core.cli.stop import interrupted
    from selfspec_core.errors import SelfspecError
    from selfspec_core.knowledge import say_problems

    retriever = _retriever(domain, recipe, set_flags)
    try:
        with make_progress() as progress:
            rows = retriever.add([Path(path).absolute() for path in paths], progress)
            problem = say_problems(rows, progress)
    except KeyboardInterrupt as stop:
        raise interrupted(stop, "the same command again completes the index") from None
    counts = {state: [row for row in rows if row.state == state] for state in _STATES}
    done = [
        f"{len(found)} {state} ({sum(row.passages for row in found)} passages)"
        for state, found in counts.items()
        if found
    ]
    click.echo(plain("; ".join(done) or "nothing to add"))
    if problem:
        raise SelfspecError(plain(problem))


_STATES = ("added", "replaced", "unchanged")


@knowledge.command()
@_chosen
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
def remove(domain: str, paths: tuple[str, ...], recipe: str, set_flags: tuple[str, ...]) -> None:
    """Take files out of the index, and all files of folders.

    They need not exist any more.
    """
    from selfspec_core.cli.output import plain
    from selfspec_core.cli.stop import interrupted
    from selfspec_core.errors import UsageError
    from selfspec_core.places import one_name

    retriever = _retriever(domain, recipe, set_flags)
    try:
        rows = retriever.remove([one_name(Path(path)) for path in paths])
    except KeyboardInterrupt as stop:
        raise interrupted(stop, "the same command again completes it") from None
    for path in paths:
        if not any(Path(row.path).is_relative_to(one_name(Path(path))) for row in rows):
            hint = f"`selfspec knowledge list {domain}` shows what is in"
            raise UsageError(plain(f"{path}: is not in the index; {hint}"))
    click.echo(f"{len(rows)} removed ({sum(row.passages for row in rows)} passages)")


@knowledge.command()
@_chosen
@click.argument("query")
@click.option("-k", "count", type=click.IntRange(1), default=5, show_default=True, help="Passages.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def search(
    domain: str, query: str, count: int, as_json: bool, recipe: str, set_flags: tuple[str, ...]
) -> None:
    """Show the passages that answers to QUERY would be shown.

    The rank score only orders them: first place in every search is 1, however little it fits.
    """
    from selfspec_core.cli.output import cell, console, print_json

    [found] = _retriever(domain, recipe, set_flags).retrieve([query], count)
    if as_json:
        print_json([passage.to_dict() for passage in found])
        return
    out = console()
    for rank, passage in enumerate(found, 1):
        score = f"rank score {passage.score:.3f}"
        out.print(cell(f"{rank}. {passage.id}  {passage.source}  ({score})", "bold"))
        out.print(cell(passage.text))
    if not found:
        click.echo("no passage found")


@knowledge.command("list")
@_chosen
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(domain: str, as_json: bool, recipe: str, set_flags: tuple[str, ...]) -> None:
    """Show what is in the index."""
    from selfspec_core.cli.output import cell, console, print_json, table

    rows = _retriever(domain, recipe, set_flags).contents()
    if as_json:
        print_json([row.to_dict() for row in rows])
        return
    shown = table("file", "passages", right=("passages",))
    for row in rows:
        shown.add_row(cell(row.path), cell(row.passages))
    out = console()
    out.print(shown)
    out.print(f"{sum(row.passages for row in rows)} passages of {len(rows)} files for {domain}")


def _retriever(domain: str, recipe: str, set_flags: tuple[str, ...]) -> Any:
    """Builds the retriever that a run of this domain and these settings would ask."""
    from selfspec_core.assembly.assemble import load_host
    from selfspec_core.assembly.request import Request, resolve_settings
    from selfspec_core.assembly.resolve import parse_flag
    from selfspec_core.knowledge import find_retriever

    host = load_host(domain, "DOMAIN")
    found = host.build("domains", domain)
    request = Request(domain, recipe, set=tuple(parse_flag(flag) for flag in set_flags))
    return find_retriever(host, resolve_settings(request, found, host), found.name)
