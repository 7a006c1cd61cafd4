"""What can go wrong with a request: what is worth another try, and what is not.

Messages name the server and the setting. Text of the server's is cut, and the key never stands in
it; of an answer about the key itself nothing is repeated.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from selfspec_core.errors import SelfspecError
from selfspec_plugins.served.addresses import holds

_LENGTH = 200
_PASSING = frozenset({408, 409, 425, 429})
MALFORMED_TRIES = 4
"""Tries of a request whose answers make no sense: each may have been paid for."""


@dataclass
class Trouble(Exception):
    """A failure that may pass.

    Attributes:
        reason: what happened, as one clause.
        wait: seconds that the server asks to wait.
        closes: it is the whole server that has trouble, not this request.
        overloads: it had too many requests at a time.
        tries: how many tries it is worth; None: as many as patience lasts.
        status: of the HTTP answer, if there was one.
    """

    reason: str
    wait: float | None = None
    closes: bool = False
    overloads: bool = False
    tries: int | None = None
    status: int | None = None

    def __str__(self) -> str:
        return self.reason


class Refused(SelfspecError):
    """A request that the server will never answer.

    Attributes:
        status: of the HTTP answer.
        said: the server's own words.
    """

    def __init__(self, message: str, status: int, said: str = "") -> None:
        super().__init__(message)
        self.status, self.said = status, said

    @property
    def too_long(self) -> bool:
        """Whether it was the prompt's length."""
        words = self.said.lower()
        about = ("context_length", "context length", "context size", "context window")
        return self.status in (400, 413, 422) and any(
            part in words
            for part in (*about, "max_model_len", "prompt is too long", "too many tok")
        )


def of_status(status: int, headers: Mapping[str, str], body: Any, where: Where) -> Exception:
    """Returns the error that an HTTP status means."""
    said = where.clean(_message(body))
    if status in (401, 403):
        if where.key is None:
            return Refused(f"{where.url} wants a key: set {where.variable}", status)
        return Refused(f"{where.url} refuses the key in {where.variable} (HTTP {status})", status)
    quote = f": {said}" if said else ""
    if "insufficient_quota" in str(body):
        return Refused(f"{where.url}: the account has no credit left{quote}", status, said)
    if status in _PASSING or status >= 500:
        wait = retry_after(headers)
        shared = status in (429, 503) or wait is not None
        overloads = status == 429
        return Trouble(f"HTTP {status}{quote}", wait, shared, overloads, status=status)
    return Refused(f"{where.url}: HTTP {status}{quote}", status, said)


@dataclass(frozen=True, slots=True)
class Where:
    """A server's address, and the key that must not be seen."""

    url: str
    variable: str
    key: str | None = None

    def hide(self, text: str) -> str:
        """Returns text of the server's without the key: it may send back what it was sent."""
        return text.replace(self.key, "[key]") if self.key and holds(text, self.key) else text

    def clean(self, text: str) -> str:
        """Returns text of the server's as one short line without the key."""
        line = " ".join(self.hide(text).split())
        return line if len(line) <= _LENGTH else f"{line[: _LENGTH - 1]}…"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that a server asks to wait: a number, or until a date (RFC 9110)."""
    milliseconds, given = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return max(0.0, float(given)) if given is not None else None
    except ValueError:
        pass
    with suppress(ValueError, OverflowError):  # a date of the year 99999
        date = email.utils.parsedate_tz(given or "")
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
    return None


def _message(body: Any) -> str:
    """Finds the sentence in an error's body; servers put it in different places."""
    for key in ("error", "message", "detail"):
        if isinstance(body, dict) and body.get(key):
            code = body.get("code")
            body = body[key]
            if isinstance(body, str) and isinstance(code, str):
                body = f"{body} ({code})"
    return body if isinstance(body, str) else ""
