"""`selfspec report RUN`: writes report.html, which shows a run to somebody who was not there."""

from __future__ import annotations

import click


@click.command()
@click.argument("run", metavar="RUN")
def report(run: str) -> None:
    """Write report.html: one page that shows a run to somebody who was not there."""
    from selfspec_core.cli.output import plain
    from selfspec_core.cli.show import summarize
    from selfspec_core.report.page import write_report
    from selfspec_core.runs import find_run

    path = find_run(run)
    click.echo(plain(write_report(path, summarize(path))))
