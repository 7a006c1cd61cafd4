"""`selfspec resume`: goes on where a run stopped."""

from __future__ import annotations

import click

from selfspec_core.cli.options import executor_options, executor_table
from selfspec_core.errors import UsageError


@click.command()
@click.argument("run", metavar="RUN")
@executor_options
def resume(run: str, executor: str | None, address: str | None) -> None:
    """Go on where a run or a sweep stopped."""
    from selfspec_core.assembly.trust import remember_hosts
    from selfspec_core.cli import session
    from selfspec_core.runs import find_run
    from selfspec_core.sweeps.points import find_sweep

    where = executor_table(executor, address)
    if (folder := find_sweep(run)) is not None:
        from selfspec_core.cli import sweeping

        if where:
            raise UsageError(f"--executor: {run} is a sweep, which goes on as it began")
        sweeping.go_on(folder)
    else:
        remember_hosts([{"executor": where}])
        session.go_on(find_run(run), where)
