"""Text as a page or a card may show it: on one line, shortened, nothing in it acted on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from selfspec_core.assembly.resolve import as_toml, flat
from selfspec_core.similarity.text import unprintable

LONG, SHORT = 420, 120
"""Characters of a text, and of an id, a reason or a name, that are shown at most."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~])")


def shown(text: object, most: int = LONG) -> str:
    """Returns text on one line, shortened, without control characters.

    What a terminal or a browser would act on, such as escape sequences and changes of direction,
    becomes U+FFFD.
    """
    whole = str(text)
    line = " ".join(whole[: 4 * most + 64].split())
    line = "".join("\ufffd" if unprintable(c) else c for c in line[: most + 1])
    if len(line) <= most and len(whole) <= 4 * most + 64:
        return line
    return f"{line[:most].rstrip()}…"


def more(text: object, most: int = LONG) -> str:
    """Says how long a text is that `shown` cuts, or nothing."""
    length = len(str(text))
    return f"{length:,} characters" if length > most else ""


def markdown(text: object, most: int = SHORT) -> str:
    """Returns text for a Markdown table or sentence: no markup, no HTML."""
    escaped = _SPECIAL.sub(r"\\\1", shown(text, most))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoted(text: object, most: int = SHORT) -> str:
    """Returns text as YAML reads it back: a JSON string is one."""
    return json.dumps(shown(text, most))


def number(value: float | None) -> str:
    """Returns a score as every table shows it."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def signed(value: float | None) -> str:
    """Returns a gain with its sign."""
    return "–" if value is None else f"{value:+.3f}".replace("-", "−")


def span(one: Mapping[str, Any]) -> str:
    """Returns an interval in words."""
    return f"{number(one['low'])} to {number(one['high'])}"


def counted(value: int | None) -> str:
    """Returns a count with its thousands apart."""
    return "–" if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """Returns a share in percent."""
    return "–" if share is None else f"{100 * share:.0f}\u00a0%"


_REPEATABLE = {"benchmark": "benchmarks", "knowledge": "knowledge", "baseline": "baselines"}
"""Flags that may be given more than once, and where a request keeps them."""


def command(request: Mapping[str, Any]) -> str:
    """Returns the command line that asks for what a manifest's request says."""
    words = ["selfspec", "run"]
    for flag in ("domain", "recipe", "model", "seeds"):
        value = request.get(flag)
        if value and (flag, value) != ("recipe", "quick"):
            words += [f"--{flag}", str(value)]
    for table in request.get("set") or ():
        for key, value in flat(table).items():
            words += ["--set", f"{key}={value if _stays_text(value) else as_toml(value)}"]
    for flag, values in _REPEATABLE.items():
        for value in request.get(values) or ():
            words += [f"--{flag}", str(value)]
    return " ".join(map(quote, words))


def _stays_text(value: Any) -> bool:
    """Says whether `--set` reads a text back as it is, without quotation marks."""
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z_/][\w./-]*", value, re.ASCII)
    return bool(plain) and value not in ("true", "false", "inf", "nan")
