"""What only the user may say: a recipe or the folder of a run may be another's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selfspec_core.config import ModelSettings
from selfspec_core.errors import UsageError
from selfspec_core.places import data_folder

TRUST = "SELFSPEC_TRUST_REMOTE_CODE"
HOSTS = "SELFSPEC_TRUST_HOSTS"
"""Environment variables: what a folder says of code, and of servers, is not the user's word."""
_RAY = "ray"
_REMEMBERED = "hosts"
"""File in the user's data: lines of a machine and the variable of the key it may have, or `ray`."""
_SAY = {"model": {"base_url", "key_variable"}, "executor": {"address"}}
"""Settings that say where something goes."""


def check_trust(tables: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Refuses settings out of a folder, maybe another's, that would let code of a model run.

    Or that would have other machines get a key or run something; see `check_hosts`.

    Args:
        tables: what stood in `file`, nested as in TOML.

    Raises:
        UsageError: naming the file, and how the user says that it may.
    """
    if any(map(trusts, tables)) and os.environ.get(TRUST) != "1":
        raise UsageError(
            f"{file}: has model.trust_remote_code: it wants to run code that comes with the "
            f"model; if you trust whoever made this run, set {TRUST}=1"
        )
    check_hosts(tables, tables, str(file))


def trusts(table: Mapping[str, Any]) -> bool:
    """Says whether settings let code of a model run."""
    return bool(_part(table, "model").get("trust_remote_code"))


def check_hosts(
    theirs: Iterable[Mapping[str, Any]], every: Iterable[Mapping[str, Any]], source: str
) -> None:
    """Refuses a machine elsewhere that would get the user's key, or be joined, on another's word.

    Args:
        theirs: the settings that are not the user's word, nested as in TOML.
        every: all settings that are in play.
        source: where those came from.

    Raises:
        UsageError: naming the host, and how the user says that it may.
    """
    if not any(_part(table, part).keys() & keys for table in theirs for part, keys in _SAY.items()):
        return
    trusted = os.environ.get(HOSTS, "").lower().replace(",", " ").split()
    for host, what in _asked(every) - _remembered():
        if host not in trusted:
            would = (
                f"executor.address: the Ray cluster of {host} would be joined, and may run code"
                if what == _RAY
                else f"model.base_url: your key ({what}) would be sent to {host}"
            )
            raise UsageError(
                f"{source}: {would}; if you trust whoever wrote this, set {HOSTS}={host}"
            )


def remember_hosts(said: Iterable[Mapping[str, Any]]) -> None:
    """Keeps which machine gets what by the user's own word, so that `resume` need not ask.

    Args:
        said: the settings that the user gave, nested as in TOML.
    """
    if new := _asked(said) - _remembered():
        with suppress(OSError):  # a home that cannot be written: the variable says it each time
            file = data_folder() / _REMEMBERED
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as lines:
                lines.write("".join(f"{host} {what}\n" for host, what in sorted(new)))


def _remembered() -> set[tuple[str, str]]:
    try:
        lines = (data_folder() / _REMEMBERED).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    pairs = (line.partition(" ") for line in lines.splitlines())
    return {(host, what) for host, _, what in pairs}


def _asked(tables: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Returns (machine elsewhere, variable of a key, or Ray): all that settings may bring about."""
    tables = list(tables)
    models = [_part(table, "model") for table in tables]
    usual = ModelSettings.model_fields["key_variable"].default
    variables = {usual, *(str(model.get("key_variable", usual)) for model in models)}
    keys = [variable for variable in variables if os.environ.get(variable, "").strip()]
    servers = {host for model in models for host in _hosts(model.get("base_url"))}
    heads = [str(_part(table, "executor").get("address") or "") for table in tables]
    clusters = {host for head in heads for host in _hosts(f"ray://{head}")}
    pairs = {(host, key) for host in servers for key in keys} | {(host, _RAY) for host in clusters}
    return {(host, what) for host, what in pairs if not _is_here(host)}


def _part(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = table.get(name)
    return part if isinstance(part, Mapping) else {}


def _hosts(urls: Any) -> Iterator[str]:
    """Yields the hosts of addresses; what is none is refused by whoever would ask there."""
    for url in urls if isinstance(urls, list | tuple) else [urls]:
        try:
            yield (urlsplit(str(url)).hostname or "").lower()
        except ValueError:
            continue


def _is_here(host: str) -> bool:
    try:
        return host in ("", "localhost") or ip_address(host).is_loopback
    except ValueError:
        return False
