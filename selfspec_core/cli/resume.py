"""`selfspec resume`: goes on where a run stopped."""

from __future__ import annotations

import click


@click.command()
@click.argument("run", metavar="RUN")
def resume(run: str) -> None:
    """Go on where a run stopped."""
    from selfspec_core.cli.session import go_on
    from selfspec_core.runs import find_run

    go_on(find_run(run))
