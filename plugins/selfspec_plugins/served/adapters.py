"""An adapter by name on the servers: one they have already, or one they load now."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from selfspec_core.errors import UsageError
from selfspec_plugins.served.gate import backoff
from selfspec_plugins.served.offers import list_of
from selfspec_plugins.served.servers import Server, Servers
from selfspec_plugins.served.trouble import Refused, Trouble

_LOAD = "load_lora_adapter"
_TRIES = 4


def name_of(servers: Servers, folder: Path) -> tuple[str, str]:
    """Returns an adapter's name on the servers, and the digest that the name is made from.

    The name tells its files, all but the card, so no server answers with an older adapter of the
    same folder. The folder has to be readable where the servers run.

    Raises:
        UsageError: naming the server that neither has it nor loads it, and what to start it with.
    """
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix != ".md")
    told = [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
    name = f"selfspec-{digest}"
    for server in servers.servers:
        servers.run(_bring(servers, server, name, folder))
    return name, digest


async def _bring(servers: Servers, server: Server, name: str, folder: Path) -> None:
    """Has a server load an adapter, unless it lists it; what it lists afterwards is what counts."""
    problem = "it does not list it afterwards"
    try:
        if await _listed(servers, server, name):
            return
        body: Any = {"lora_name": name, "lora_path": str(folder.resolve())}
        with suppress(Trouble):  # some say that it worked in no JSON
            await servers.attempt(
                server, server.client.post(f"/{_LOAD}", body=body, cast_to=object)
            )
        if await _listed(servers, server, name):
            return
    except (Refused, Trouble) as error:
        problem = str(error)
    raise UsageError(
        f"{server.where.url}: does not load the adapter {name} ({problem}); start it with "
        f"--lora-modules {name}={folder}, or let it load adapters while it runs"
    )


async def _listed(servers: Servers, server: Server, name: str) -> bool:
    """Says whether a server lists an adapter; a fault that passes is waited for."""
    for tries in range(1, _TRIES + 1):
        try:
            return any(row["id"] == name for row in await list_of(servers, server))
        except Trouble as trouble:
            if tries == _TRIES:
                raise
            await asyncio.sleep(backoff(tries) if trouble.wait is None else trouble.wait)
    raise AssertionError("unreachable")
