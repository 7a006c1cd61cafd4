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
from selfspec_core.files import data_folder

TRUST = "SELFSPEC_TRUST_REMOTE_CODE"
HOSTS = "SELFSPEC_TRUST_HOSTS"
"""Environment variables: what a folder says of code, and of servers, is not the user's word."""
_REMEMBERED = "hosts"
"""File in the user's data: lines of a server and the variable of the key that it may have."""


def check_trust(tables: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Refuses settings out of a folder, maybe another's, that would let code of a model run.

    Or that would send the user's key to a server; see `check_hosts`.

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
    return bool(_model(table).get("trust_remote_code"))


def check_hosts(
    theirs: Iterable[Mapping[str, Any]], every: Iterable[Mapping[str, Any]], source: str
) -> None:
    """Refuses a server elsewhere that would be sent the user's key on another's word.

    Args:
        theirs: the settings that are not the user's word, nested as in TOML.
        every: all settings that are in play.
        source: where those came from.

    Raises:
        UsageError: naming the host, and how the user says that it may have the key.
    """
    if not any({"base_url", "key_variable"} & _model(table).keys() for table in theirs):
        return
    trusted = os.environ.get(HOSTS, "").lower().replace(",", " ").split()
    for host, variable in _sent(every) - _remembered():
        if host not in trusted:
            raise UsageError(
                f"{source}: model.base_url: your key ({variable}) would be sent to {host}; if you "
                f"trust whoever wrote this, set {HOSTS}={host}"
            )


def remember_hosts(said: Iterable[Mapping[str, Any]]) -> None:
    """Keeps which server gets which key by the user's own word, so that `resume` need not ask.

    Args:
        said: the settings that the user gave, nested as in TOML.
    """
    if new := _sent(said) - _remembered():
        with suppress(OSError):  # a home that cannot be written: the variable says it each time
            file = data_folder() / _REMEMBERED
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as lines:
                lines.write("".join(f"{host} {variable}\n" for host, variable in sorted(new)))


def _remembered() -> set[tuple[str, str]]:
    try:
        lines = (data_folder() / _REMEMBERED).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    pairs = (line.partition(" ") for line in lines.splitlines())
    return {(host, variable) for host, _, variable in pairs}


def _sent(tables: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    """Returns (server elsewhere, variable with a key) for all that settings may bring together."""
    models = [_model(table) for table in tables]
    usual = ModelSettings.model_fields["key_variable"].default
    variables = {usual, *(str(model.get("key_variable", usual)) for model in models)}
    keys = [variable for variable in variables if os.environ.get(variable, "").strip()]
    hosts = {host for model in models for host in _hosts(model.get("base_url"))}
    return {(host, key) for host in hosts if not _is_here(host) for key in keys}


def _model(table: Mapping[str, Any]) -> Mapping[str, Any]:
    model = table.get("model")
    return model if isinstance(model, Mapping) else {}


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
