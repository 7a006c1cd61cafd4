"""`selfspec run`: the whole loop."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from selfspec_core.cli.options import (
    executor_options,
    loop_options,
    make_request,
    request_options,
    stem_of,
)


@click.command()
@request_options
@loop_options
@executor_options
@click.option("--name", help="Name of the run folder under runs/.")
def run(name: str | None, **asked: Any) -> None:
    """Propose, answer, filter, tune and measure: the whole loop in one command."""
    from selfspec_core.cli.naming import made_up
    from selfspec_core.cli.session import start

    request = make_request(**asked)
    stem = stem_of(asked["domain"], asked["seeds"])
    start(made_up(stem) if name is None else name, request, asdict(request))
