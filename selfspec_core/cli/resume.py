"""`selfspec resume`: goes on where a run stopped."""

from __future__ import annotations

import click


@click.command()
@click.argument("run", metavar="RUN")
def resume(run: str) -> None:
    """Go on where a run or a sweep stopped."""
    from selfspec_core.cli import session
    from selfspec_core.runs import find_run
    from selfspec_core.sweeps.points import find_sweep

    if (folder := find_sweep(run)) is not None:
        from selfspec_core.cli import sweeping

        sweeping.go_on(folder)
    else:
        session.go_on(find_run(run))
