"""`selfspec compose RUN RUN…`: several specialists of one base as one mixture."""

from __future__ import annotations

import click


@click.command()
@click.argument("runs", metavar="RUN RUN…", nargs=-1)
@click.option("--name", help="Name of the folder under runs/; default: the runs' names, joined.")
@click.option(
    "--set",
    "set_flags",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, as in components.mixture.epochs=3.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def compose(
    runs: tuple[str, ...], name: str | None, set_flags: tuple[str, ...], as_json: bool
) -> None:
    """Make one mixture of several specialists, and measure it against each and merges.

    A router sends each token through one run's adapter. It is trained on what the runs accepted,
    and measured against each of them, one adapter tuned on all their rows, and merges. The same
    command goes on with a composition that was interrupted.
    """
    from selfspec_core.assembly.resolve import parse_flag
    from selfspec_core.cli.composing import start
    from selfspec_core.cli.output import print_json

    scores = start(runs, name, tuple(parse_flag(flag) for flag in set_flags))
    if as_json:
        print_json(scores)
    else:
        from selfspec_core.cli.composed_tables import print_composition
        from selfspec_core.cli.output import console

        print_composition(scores, console())
