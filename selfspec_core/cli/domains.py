"""`selfspec domains`: the installed domain packages."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from selfspec_core.cli.output import cell, console, print_json, table
from selfspec_core.sources import Source, domain_clashes, installed_domains

if TYPE_CHECKING:
    from selfspec_core.checks.package import Package

NONE = "No domain is installed. Install one, for example: pip install ./domains/finance"
HINT = "`selfspec domains --check` loads each and counts; `selfspec check NAME` runs every rule."


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Load and count each; print JSON.")
@click.option("--check", is_flag=True, help="Load and count each; exit 1 if one fails.")
def domains(as_json: bool, check: bool) -> None:
    """List the installed domains.

    To run every rule that a domain package must pass: `selfspec check NAME`.
    """
    sources = installed_domains()
    if as_json or check:
        rows = [count(source) for source in sources]
    else:
        rows = [asdict(source) for source in sources]
    if as_json:
        print_json(rows)
    elif rows:
        _print(rows, counted=check)
    else:
        click.echo(NONE)
    if check and any(row["error"] for row in rows):
        raise SystemExit(1)


def count(source: Source) -> dict[str, Any]:
    """Loads a domain and counts what it holds; what goes wrong is a value, never raised."""
    from selfspec_core.checks.package import opened

    row: dict[str, Any] = {
        "name": source.name,
        "dist": source.dist,
        "version": source.version,
        **dict.fromkeys(("title", "summary", "seeds", "tasks", "items", "passages", "error")),
    }
    try:
        with opened(source.name) as found:
            row |= _counts(found)
    except (Exception, SystemExit) as error:  # any: the package is somebody else's
        row["error"] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
    return row


def _counts(package: Package) -> dict[str, Any]:
    return {
        "title": package.domain.title,
        "summary": package.domain.summary,
        "seeds": len(package.seeds),
        "tasks": len(package.tasks),
        "items": len(package.items),
        "passages": len(package.passages),
    }


def _print(rows: list[dict[str, Any]], *, counted: bool) -> None:
    counts = ("seeds", "tasks", "items", "passages") if counted else ()
    about = () if counted else ("about",)
    shown = table("domain", "distribution", "version", *counts, *about, right=counts)
    for row in rows:
        more = ("-" if row[key] is None else row[key] for key in counts or ("summary",))
        shown.add_row(*map(cell, (row["name"], row["dist"], row["version"], *more)))
    out = console()
    out.print(shown)
    for row in rows:
        if row.get("error"):
            out.print(cell(f"{row['name']} failed: {row['error']}", "red"))
    for clash in domain_clashes():
        out.print(cell(clash, "red"))
    if not counted:
        out.print(cell(HINT, "dim"))
