"""What a server has answered, on disk before it is used: no answer is bought a second time."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from selfspec_core.files import sync
from selfspec_core.journals import whole_lines

FILE = "requests.jsonl"


class Journal:
    """Answers by the digest of their question, in a file of JSON lines.

    The order of the lines is that of the answers' arrival. A line says `request` (the digest),
    `answer`, and, where the server counts them, the `tokens` it read and wrote.

    Args:
        folder: of the run; None: answers are remembered only.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = folder / FILE if folder else None
        self._known: dict[str, Any] = {}
        for line in whole_lines(self._file) if self._file else ():
            with suppress(ValueError, KeyError, TypeError, RecursionError):  # damaged: asked again
                row = json.loads(line)
                self._known[row["request"]] = row["answer"]

    def __contains__(self, request: str) -> bool:
        return request in self._known

    def __getitem__(self, request: str) -> Any:
        return self._known[request]

    def put(self, request: str, answer: Any, tokens: tuple[int, int] | None = None) -> None:
        """Keeps an answer; once this returns, no killed process can lose it."""
        self._known[request] = answer
        if self._file is None:
            return
        row = {"request": request, "answer": answer, **({"tokens": tokens} if tokens else {})}
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        with self._file.open("ab") as file:  # buffered: unbuffered, a full disk takes half a line
            file.write(line)

    def sync(self) -> None:
        """Brings the file and its name to the disk itself, against a failing machine."""
        if self._file is not None and self._file.exists():
            sync(self._file)
            sync(self._file.parent)
