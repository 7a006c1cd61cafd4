"""`selfspec hooks`: the contract a plugin fills, and who fills it."""

from __future__ import annotations

import inspect

import click

from selfspec_core import hookspecs
from selfspec_core.cli.output import cell, console, print_json, table
from selfspec_core.cli.plugins import loaded_host, offered
from selfspec_core.plugins import HOOKS


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def hooks(as_json: bool) -> None:
    """List the hooks a plugin can implement."""
    host = loaded_host()
    rows = []
    for kind, hook in HOOKS.items():
        spec = getattr(hookspecs, hook)
        sources = {source.name: source for source, _ in offered(host, kind)}
        rows.append(
            {
                "hook": hook,
                "arguments": list(inspect.signature(spec).parameters),
                "summary": (inspect.getdoc(spec) or "").partition("\n")[0],
                "implemented_by": list(sources),
            }
        )
    if as_json:
        print_json(rows)
        return
    shown = table("hook", "what it offers", "implemented by")
    for row in rows:
        call = f"{row['hook']}({', '.join(row['arguments'])})"
        makers = ", ".join(row["implemented_by"]) or "nobody yet"
        shown.add_row(cell(call, "bold"), cell(row["summary"]), cell(makers))
    console().print(shown)
