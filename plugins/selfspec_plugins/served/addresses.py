"""Where a server is and the key it wants: neither may carry the key to where others read it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from selfspec_core.errors import UsageError

SECRET = 8
"""Letters from which on a key is one; shorter ones (`none`, `EMPTY`) only fill its place."""
_HOW = "as in --set model.base_url=http://localhost:8000/v1"


def key_in(variable: str) -> str | None:
    """Returns the key that an environment variable holds, None if there is none.

    Raises:
        UsageError: if it cannot be a key, or another variable than the usual is not set. What
            was given is not repeated: it may be the key itself.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", variable, re.ASCII):
        raise UsageError("model.key_variable: expected the name of an environment variable")
    key = os.environ.get(variable, "").strip()
    if not key and variable != "OPENAI_API_KEY":
        raise UsageError("model.key_variable: no environment variable of that name is set")
    if not re.fullmatch(r"[!-~]*", key):
        raise UsageError(f"{variable}: holds what no key has: spaces, line breaks or accents")
    return key or None


def check_addresses(urls: Sequence[str], variable: str) -> None:
    """Refuses what is no address, and one with a key in it.

    Raises:
        UsageError: naming the setting; the address is repeated only if nothing can be secret in it.
    """
    if not urls:
        raise UsageError(f"model.base_url: name the server, {_HOW}")
    key = key_in(variable)
    for url in urls:
        if re.search(r"[@?#]", url) or holds(url, key):
            raise UsageError(
                "model.base_url: an address with a user, password, key or query is refused; "
                f"put the key into the environment variable {variable}"
            )
        try:
            parts = urlsplit(url)
            right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            right = None
        if not right:
            raise UsageError(f"model.base_url = {url!r}: expected an address, {_HOW}")
    if len({url.rstrip("/") for url in urls}) < len(urls):
        raise UsageError("model.base_url: names a server twice")


def holds(text: str, key: str | None) -> bool:
    """Says whether a key stands in a text."""
    return key is not None and len(key) >= SECRET and key in text
