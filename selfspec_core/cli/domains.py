"""`selfspec domains`: the installed domain packages."""

from __future__ import annotations

from typing import Any

import click

from selfspec_core.cli.output import cell, console, print_json, table
from selfspec_core.plugins import PluginHost, Source, installed_domains

NONE = "No domain is installed. Install one, for example: pip install ./domains/finance"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Load and count each; print JSON.")
@click.option("--check", is_flag=True, help="Load and count each; exit 1 if one fails.")
def domains(as_json: bool, check: bool) -> None:
    """List the installed domains."""
    sources = installed_domains()
    if as_json or check:
        rows = _counted(sources)
    else:
        rows = [{"name": s.name, "dist": s.dist, "version": s.version} for s in sources]
    if as_json:
        print_json(rows)
    elif rows:
        _print(rows, counted=check)
    else:
        click.echo(NONE)
    if check and any(row["error"] for row in rows):
        raise SystemExit(1)


def _counted(sources: list[Source]) -> list[dict[str, Any]]:
    host = PluginHost()
    host.load_defaults()
    return [count(host, source) for source in sources]


def count(host: PluginHost, source: Source) -> dict[str, Any]:
    """Loads a domain and counts what it holds; what goes wrong is a value, never raised."""
    row: dict[str, Any] = {
        "name": source.name,
        "dist": source.dist,
        "version": source.version,
        "title": None,
        "summary": None,
        "seeds": None,
        "tasks": None,
        "items": None,
        "error": None,
    }
    try:
        host.load_domain(source.name)
        domain = host.build("domains", source.name)
        tasks = list(domain.tasks())
        sources = [cls() for _, cls in host.offered("seed_sources", source.name)]
        row |= {
            "title": domain.title,
            "summary": domain.summary,
            "seeds": sum(1 for one in sources for _ in one.seeds()),
            "tasks": len(tasks),
            "items": sum(len(task.items) for task in tasks),
        }
    except Exception as error:  # any: the package is somebody else's
        row["error"] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return row


def _print(rows: list[dict[str, Any]], *, counted: bool) -> None:
    counts = ("seeds", "tasks", "items") if counted else ()
    shown = table("domain", "distribution", "version", *counts, right=counts)
    for row in rows:
        numbers = ("-" if row[key] is None else row[key] for key in counts)
        shown.add_row(*map(cell, (row["name"], row["dist"], row["version"], *numbers)))
    out = console()
    out.print(shown)
    for row in rows:
        if row.get("error"):
            out.print(cell(f"{row['name']} failed: {row['error']}", "red"))
