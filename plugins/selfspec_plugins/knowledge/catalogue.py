"""Which files are in an index: a journal of lines, the last one of a path holds."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from selfspec_core import SelfspecError


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that is in completely.

    Attributes:
        path: of the file, or `package/file` of what a domain ships.
        hash: of its content and of how it was cut; "" of a file that was taken out again.
        passages: how many it gave.
    """

    path: str
    hash: str
    passages: int


class Catalogue:
    """The journal `files.jsonl`; an unfinished last line counts as never written.

    Raises:
        SelfspecError: naming file and line, if it is damaged.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.entries: dict[str, Entry] = {}
        data = file.read_bytes() if file.exists() else b""
        whole = data[: data.rfind(b"\n") + 1]
        self._size = len(whole)
        for number, line in enumerate(whole.split(b"\n")[:-1], 1):
            try:
                entry = Entry(**json.loads(line))
                if [type(v) for v in asdict(entry).values()] != [str, str, int]:
                    raise ValueError("expected path, hash and a number of passages")
            except (ValueError, TypeError, RecursionError) as error:
                raise damaged(file.parent, f"files.jsonl:{number}: {error}") from None
            self.entries[entry.path] = entry

    def add(self, entry: Entry) -> None:
        """Notes a file, durably; what was cut off before is overwritten."""
        line = (json.dumps(asdict(entry), ensure_ascii=False) + "\n").encode()
        with self._file.open("ab") as journal:
            journal.truncate(self._size)
            journal.write(line)
            journal.flush()
            os.fsync(journal.fileno())
        self._size += len(line)
        self.entries[entry.path] = entry

    def held(self) -> dict[str, Entry]:
        """Returns the entries of files that are in, by path, in order."""
        return {path: entry for path, entry in sorted(self.entries.items()) if entry.hash}

    def paths(self, hash: str) -> list[str]:
        """Returns the paths that hold this content, in order."""
        return sorted(entry.path for entry in self.entries.values() if entry.hash == hash)


def damaged(folder: Path, what: str) -> SelfspecError:
    """Returns the error of an index that cannot be read, and how to get it back."""
    return SelfspecError(
        f"{folder}: the index is damaged ({what}); remove this folder and add the files again"
    )
