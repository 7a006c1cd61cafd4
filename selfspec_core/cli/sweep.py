"""`selfspec sweep`: runs over one setting, which share what can be shared."""

from __future__ import annotations

from typing import Any

import click

from selfspec_core.cli.options import loop_options, make_request, request_options, stem_of


@click.command()
@request_options
@loop_options
@click.option(
    "--over",
    required=True,
    multiple=True,  # to refuse a second one, where click would let it take the first one's place
    metavar="KEY=a,b,c",
    help="The setting and its values; seeds.without=each leaves out every task in turn.",
)
@click.option(
    "--draws",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Runs of each value: other seeds if seeds.count is swept over, else other random seeds.",
)
@click.option(
    "--independent",
    is_flag=True,
    help="Over data.size: collect anew at every size, not parts of the largest.",
)
@click.option("--name", help="Name of the folder under runs/.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def sweep(
    over: tuple[str, ...],
    draws: int,
    independent: bool,
    name: str | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Run over the values of one setting; ends in a table and a plot.

    `selfspec resume NAME` goes on where it stopped.
    """
    from selfspec_core.cli.naming import made_up
    from selfspec_core.cli.sweeping import start
    from selfspec_core.errors import UsageError
    from selfspec_core.sweeps.points import Sweep, parse_over

    if len(over) > 1:
        raise UsageError(f"--over {over[1]}: given twice; a sweep is over one setting")
    key, values = parse_over(over[0])
    request = make_request(**asked)
    planned = Sweep(request, key, values, draws, independent)
    stem = f"{stem_of(asked['domain'], asked['seeds'])}-{key.rpartition('.')[2]}"
    start(made_up(stem) if name is None else name, planned, as_json=as_json)
