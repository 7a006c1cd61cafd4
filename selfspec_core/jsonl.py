"""Reads JSON lines that a person wrote: whatever is wrong is said with file and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from selfspec_core.errors import UsageError
from selfspec_core.places import check_file
from selfspec_core.similarity.text import unprintable


def read_jsonl(file: Traversable, label: str) -> list[tuple[str, dict[str, Any]]]:
    """Reads (`file:line`, object) pairs; empty lines are skipped, a byte-order mark too.

    Raises:
        UsageError: naming file and line, if a line is not a JSON object, or it is no file.
    """
    if isinstance(file, Path):
        check_file(file)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{label}: no such file") from None
    except OSError as error:
        raise UsageError(f"{label}: expected a file of JSON lines ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{label}: not UTF-8 at byte {error.start}") from None
    rows = []
    for number, line in enumerate(text.split("\n"), 1):  # U+2028 within a line is text
        where = f"{label}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise UsageError(f"{where}: holds half of a surrogate pair (\\ud800 …)") from None
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{where}: not valid JSON: {getattr(error, 'msg', error)}") from None
        if not isinstance(row, dict):
            raise UsageError(f"{where}: expected a JSON object")
        rows.append((where, row))
    return rows


def check_id(id: str, where: str) -> None:
    """Refuses an id that a terminal would act on wherever it is named; see `unprintable`.

    Raises:
        UsageError: naming file and line.
    """
    if found := unprintable(id):
        raise UsageError(f"{where}: 'id': {ascii(id)} holds a control character ({found})")


def repeated(words: Sequence[str]) -> str | None:
    """Returns the first word that stands there a second time; case is no difference in answers."""
    seen: set[str] = set()
    for word in words:
        if word.casefold() in seen:
            return word
        seen.add(word.casefold())
    return None
