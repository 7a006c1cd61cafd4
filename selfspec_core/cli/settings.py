"""`selfspec settings`: every setting a run would have, as TOML that `--recipe` reads back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
from pydantic import BaseModel

from selfspec_core.cli.output import print_json
from selfspec_core.resolve import parse_flag


@click.command()
@click.option("--domain", metavar="NAME", help="With what this domain changes.")
@click.option("--recipe", default="quick", show_default=True, metavar="quick|full|FILE")
@click.option(
    "--set", "set_flags", multiple=True, metavar="KEY=VALUE", help="One setting; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def settings(domain: str | None, recipe: str, set_flags: tuple[str, ...], as_json: bool) -> None:
    """Print every setting a run would have, as TOML that --recipe reads back."""
    from selfspec_core.assemble import AdHoc, load_host
    from selfspec_core.request import Request, resolve_settings

    host = load_host(domain)
    request = Request(domain, recipe, set=tuple(map(parse_flag, set_flags)))
    found = resolve_settings(request, host.build("domains", domain) if domain else AdHoc(), host)
    tables = {"": found, **{name: getattr(found, name) for name in type(found).model_fields}}
    for name in found.filters.order:
        tables[f"filters.{name}"] = host.build("filters", name, found.filters.of(name)).settings
    for name, own in (found.components.model_extra or {}).items():
        tables[f"components.{name}"] = own
    if as_json:
        named = {name: _plain(table) for name, table in tables.items() if name}
        print_json(_plain(found) | {name: table for name, table in named.items() if table})
        return
    for name, table in tables.items():
        for line in _lines(name, table):
            click.echo(line)


def _plain(table: Any) -> dict[str, Any]:
    """Returns the settings of a table that are no tables themselves."""
    if isinstance(table, BaseModel):
        known = type(table).model_fields
        table = {k: v for k, v in table.model_dump(mode="json").items() if k in known}
    if not isinstance(table, dict):
        return {}
    return {key: value for key, value in table.items() if not isinstance(value, dict)}


def _lines(name: str, table: Any) -> Iterator[str]:
    """Yields a table as TOML; a setting without a value is commented out."""
    values = _plain(table)
    if name and values:
        yield f"\n[{name}]"
    for key, value in values.items():
        field = type(table).model_fields[key] if isinstance(table, BaseModel) else None
        about = f"  # {field.description}" if field and field.description else ""
        start = f"# {key} =" if value is None else f"{key} ="
        yield f"{start} {'' if value is None else json.dumps(value)}".rstrip() + about
