"""What a server offers: found when the model is loaded, by asking as little as possible."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from logging import getLogger
from typing import Any

from selfspec_core.config import ModelSettings
from selfspec_core.errors import SelfspecError, UsageError, nearest
from selfspec_plugins.served.gate import backoff
from selfspec_plugins.served.journal import Journal
from selfspec_plugins.served.questions import Endpoint, Question, echoed
from selfspec_plugins.served.servers import Server, Servers
from selfspec_plugins.served.trouble import Refused, Trouble, Where

_CONTEXT = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx")
_LOOK = 1.0
"""Seconds between two looks at a server that is starting."""
_TRIES = 4
"""Tries of what a server may answer with HTTP 500 for ever: its list, an echo."""
_PROBE = "One two three"
_UNFIT = (400, 404, 405, 422, 500, 501)


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to work with.

    Attributes:
        model: the name that requests give.
        root: what the server says that the name stands for, if it says so.
        likelihood: whether it sends log-probabilities of a prompt back.
    """

    model: str
    root: str | None
    endpoint: Endpoint
    likelihood: bool
    context: int | None


def find(servers: Servers, settings: ModelSettings, journal: Journal) -> Offer:
    """Finds out what is served: name, endpoint, likelihoods, context.

    Args:
        journal: remembers what was found, so that a resumed run goes on alike.

    Raises:
        UsageError: if there is no such model, naming the nearest; or no endpoint to write with.
    """
    listed = servers.run(listing(servers, settings.patience))
    rows = {row["id"]: row for row in listed}
    bases = [id for id, row in rows.items() if not row.get("parent")]  # the others are adapters
    name = settings.server_model or (bases[0] if len(bases) == 1 else None)
    if name is None:
        raise UsageError(f"model.server_model: name the model on the server{nearest('', bases)}")
    row = rows.get(name, {})
    key = f"offer of {name}, chat {settings.chat}"
    try:
        if key not in journal or not _is_found(journal[key]):  # the folder may be another's
            journal.put(key, _endpoint(servers, name, settings.chat))
    except Refused as refusal:
        if name in rows or not rows or refusal.status not in _UNFIT:
            hint = "" if rows else "; model.base_url has to end as the server's API does: /v1"
            raise UsageError(f"{refusal}{hint if refusal.status == 404 else ''}") from None
        hint = nearest(name, rows)
        raise UsageError(f"model.server_model: the server has no '{name}'{hint}") from None
    endpoint, likelihood = journal[key]
    root = row.get("root")
    root = root if isinstance(root, str) else None
    return Offer(name, root, endpoint, likelihood, _context(row))


def _is_found(kept: Any) -> bool:
    """Says whether it is what `_endpoint` found."""
    match kept:
        case (("completions" | "chat/completions"), bool()):
            return True
    return False


def _context(row: dict[str, Any]) -> int | None:
    """Returns the most tokens that a listed model takes; llama.cpp says it under `meta`."""
    meta = row.get("meta")
    places = (row, meta if isinstance(meta, dict) else {})
    said = (place.get(key) for place in places for key in _CONTEXT)
    return next((it for it in said if type(it) is int and it > 0), None)  # 0: as the model has it


async def listing(servers: Servers, patience: float) -> list[dict[str, Any]]:
    """Returns the models of the first server that answers; waits for one that is starting.

    Raises:
        UsageError: if a server refuses the key.
        SelfspecError: if none answers before patience ends.
    """
    now = asyncio.get_running_loop().time
    began, tries, broken = now(), 0, 0
    while True:
        for server in servers.servers:
            try:
                return await list_of(servers, server)
            except Trouble as trouble:
                last, again = f"{server.where.url}: {trouble}", trouble.wait
                broken += trouble.status == 500
                if broken == _TRIES:
                    return []  # it is there, and its list is broken
        tries += 1
        wait = again if again is not None else min(_LOOK, backoff(tries))
        if now() + wait - began > patience:
            about = f"model.patience = {patience:g} s"
            raise SelfspecError(f"{last}; given up after {tries} tries ({about})")
        if tries == 1:
            getLogger(__name__).warning(
                "waiting for %s; trying for up to %g s (model.patience)", last, patience
            )
        await asyncio.sleep(wait)


async def list_of(servers: Servers, server: Server) -> list[dict[str, Any]]:
    """Returns the models that a server lists; none if it has no list, or it makes no sense."""
    try:
        rows = json.loads(await servers.attempt(server, server.models()))["data"]
        return [_legal(row, server.where) for row in rows if isinstance(row["id"], str)]
    except Refused as refusal:
        if refusal.status in (401, 403):
            raise UsageError(str(refusal)) from None
        return []
    except Trouble as trouble:
        if trouble.tries is not None:
            return []
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []


def _legal(row: dict[str, Any], where: Where) -> dict[str, Any]:
    """Returns a listed model as it may be written down: without the key, and as UTF-8 has it."""
    texts = {name: it for name, it in row.items() if isinstance(it, str)}
    return row | {
        name: where.hide(text).encode("utf-8", "replace").decode() for name, text in texts.items()
    }


def _endpoint(servers: Servers, model: str, chat: bool | None) -> tuple[Endpoint, bool]:
    """Tries one token: a completion with its echo, one without, a turn of a chat.

    Raises:
        Refused: what the server said to the last of them.
    """
    short = {"model": model, "max_tokens": 1, "temperature": 0.0}
    text = short | {"prompt": _PROBE}
    turn = short | {"messages": [{"role": "user", "content": _PROBE}]}
    echo = text | {"echo": True, "logprobs": 1}
    trials = []
    if not chat:
        trials.append(Question("completions", echo, _has_echo, tries=_TRIES))
        trials.append(Question("completions", text, _has_choice))
    if chat is not False:
        trials.append(Question("chat/completions", turn, _has_choice))
    found: list[Any] = []
    for number, trial in enumerate(trials, 1):
        try:
            servers.ask([trial], lambda _, answer, tokens: found.append(answer))
        except Refused as refusal:
            if number == len(trials) or refusal.status not in _UNFIT:
                raise
        else:
            break
    return trial.endpoint, found[0] is True


def _has_echo(answer: Any) -> bool:
    answer["choices"][0]["text"].strip()
    try:
        echoed(answer, _PROBE)
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return True


def _has_choice(answer: Any) -> str:
    return "text" if answer["choices"][0] else ""
