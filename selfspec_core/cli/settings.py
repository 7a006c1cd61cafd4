"""`selfspec settings`: every setting a run would have, as TOML that `--recipe` reads back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from pydantic import BaseModel

from selfspec_core.assembly.resolve import as_toml, parse_flag, toml_key
from selfspec_core.cli.output import print_json


@click.command()
@click.option("--domain", metavar="NAME", help="With what this domain changes.")
@click.option("--recipe", default="quick", show_default=True, metavar="quick|full|FILE")
@click.option(
    "--set", "set_flags", multiple=True, metavar="KEY=VALUE", help="One setting; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def settings(domain: str | None, recipe: str, set_flags: tuple[str, ...], as_json: bool) -> None:
    """Print every setting a run would have, as TOML that --recipe reads back."""
    tables = _tables(domain, recipe, tuple(map(parse_flag, set_flags)))
    if as_json:
        named = {name: _plain(table) for name, table in tables.items() if name}
        print_json(_plain(tables[""]) | {name: table for name, table in named.items() if table})
        return
    for name, table in tables.items():
        for line in _lines(name, table):
            click.echo(line)


def _tables(
    domain: str | None, recipe: str, flags: tuple[dict[str, Any], ...]
) -> dict[str, BaseModel]:
    """Returns the tables by name: the core's, and those of the components that would be used.

    Raises:
        UsageError: for what a run would refuse too.
    """
    from selfspec_core.assembly.assemble import AdHoc, build_filters, load_host
    from selfspec_core.assembly.models import build_model
    from selfspec_core.assembly.request import Request, check_settings, resolve_settings

    host = load_host(domain)
    chosen = host.build("domains", domain) if domain else AdHoc()
    found = resolve_settings(Request(domain, recipe, set=flags), chosen, host)
    model = build_model(host, found)
    check_settings(found, host, model)
    tables: dict[str, BaseModel] = {"": found}
    tables |= {name: table for name, table in found if isinstance(table, BaseModel)}
    for name, one in zip(found.filters.order, build_filters(host, found), strict=True):
        tables[f"filters.{toml_key(name)}"] = one.settings
    used: list[tuple[str, str | None]] = [
        ("generators", found.propose.generator),
        ("generators", found.answer.generator),
        ("trainers", found.training.trainer or model.trainer),
        ("trainers", found.preference.trainer),
        ("retrievers", found.retrieval.retriever),
        *(("evaluators", name) for name in found.evaluation.evaluators),
    ]
    for kind, component in used:
        if component:
            own = host.build(kind, component, found.components.of(component), chosen.name)
            tables[f"components.{toml_key(component)}"] = own.settings
    return tables


def _plain(table: BaseModel) -> dict[str, Any]:
    """Returns the settings of a table that are no tables of their own."""
    fields = type(table).model_fields
    return {
        key: value
        for key, value in table.model_dump(mode="json").items()
        if key in fields and not isinstance(getattr(table, key), BaseModel)
    }


def _lines(name: str, table: BaseModel) -> Iterator[str]:
    """Yields a table as TOML; a setting without a value is commented out."""
    values = _plain(table)
    if name and values:
        yield f"\n[{name}]"
    for key, value in values.items():
        description = type(table).model_fields[key].description
        start = f"# {toml_key(key)} =" if value is None else f"{toml_key(key)} = {as_toml(value)}"
        yield f"{start}  # {description}" if description else start
