"""`selfspec plugins`: every component there is, and the plugins that failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from selfspec_core import __version__
from selfspec_core.cli.output import cell, console, print_json, table
from selfspec_core.errors import UsageError, nearest
from selfspec_core.plugins import HOOKS, PER_DOMAIN, PluginHost
from selfspec_core.sources import Source


@click.command()
@click.option("--hook", metavar="HOOK", help="Only components of this hook.")
@click.option("--no-plugins", is_flag=True, help="Leave out what third parties provide.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plugins(hook: str | None, no_plugins: bool, as_json: bool) -> None:
    """List every component and the plugin it comes from."""
    kinds = [_kind(hook)] if hook else list(HOOKS)
    host = loaded_host(third_party=not no_plugins)
    components = [
        {"kind": kind, "name": cls.name, "summary": cls.summary, **origin(source)}
        for kind in kinds
        for source, cls in offered(host, kind)
    ]
    failed = [{**origin(source), "error": source.error} for source in host.failures()]
    clashes = _clashes(components)
    if as_json:
        print_json({"components": components, "failed": failed, "clashes": clashes})
    else:
        _print(components, failed, clashes)


def loaded_host(*, third_party: bool = True) -> PluginHost:
    """Returns a host with every plugin and, unless third parties are left out, every domain."""
    host = PluginHost(third_party=third_party)
    host.load_defaults()
    if third_party:
        host.load_every_domain()
    return host


def offered(host: PluginHost, kind: str) -> list[tuple[Source, type[Any]]]:
    """Returns the components of a kind; one offered for several domains is listed once."""
    names = [cls.name for _, cls in host.offered("domains")] if kind in PER_DOMAIN else []
    found = {  # a hook may make its class anew for every domain, as the retriever's does
        (source.key, cls.name): (source, cls)
        for domain in ["", *names]  # "": what is there whatever the domain
        for source, cls in host.offered(kind, domain)
    }
    return list(found.values())


def origin(source: Source) -> dict[str, str]:
    """Returns where a component comes from, as a listing shows it."""
    return {"plugin": source.name, "dist": source.dist, "version": source.version}


def _clashes(components: Sequence[dict[str, Any]]) -> list[str]:
    """Says which names two plugins give to components of one kind."""
    places: dict[tuple[str, str], list[str]] = {}
    for row in components:
        if row["kind"] != "seed_sources":  # all of a domain's are read, none is looked up
            places.setdefault((row["kind"], row["name"]), []).append(row["dist"])
    return [
        f"{kind.removesuffix('s')} '{name}' has two providers; write "
        + " or ".join(f"'{dist}/{name}'" for dist in dists)
        for (kind, name), dists in places.items()
        if len(dists) > 1
    ]


def _kind(hook: str) -> str:
    kind = hook.removeprefix("selfspec_")
    if kind not in HOOKS:
        raise UsageError(f"--hook {hook}: no such hook{nearest(kind, HOOKS)}")
    return kind


def _print(
    components: Sequence[dict[str, Any]],
    failed: Sequence[dict[str, Any]],
    clashes: Sequence[str],
) -> None:
    out = console()
    shown = table("kind", "name", "summary", "plugin")
    kind = None
    for row in components:
        first = row["kind"] if row["kind"] != kind else ""
        kind = row["kind"]
        words = cell(first, "cyan"), cell(row["name"], "bold"), cell(row["summary"])
        shown.add_row(*words, cell(_place(row)))
    out.print(shown if components else "No component implements this hook.")
    for row in failed:
        out.print(cell(f"{_place(row)} failed: {row['error']}", "red"))
    for clash in clashes:
        out.print(cell(clash, "red"))
    out.print(cell(f"Plugins without a version come with selfspec {__version__}.", "dim"))


def _place(row: dict[str, Any]) -> str:
    if row["dist"] == "selfspec":
        return str(row["plugin"])
    return f"{row['plugin']} ({row['dist']} {row['version']})"
