"""Append-only journals of one round, committed together batch by batch.

A batch is committed by one line in `commits.jsonl` that holds the size of every journal after it.
Opening the journals cuts each back to the last commit, and the first batch of one begins it anew,
so a kill at any instant loses at most the batch it interrupted. Lines hold no time, run name or
absolute path: two runs of the same settings write the same bytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from selfspec_core.errors import SelfspecError
from selfspec_core.files import make_folder, sync

COMMITS = "commits.jsonl"
_BLOCK = 1 << 20
_ROW = frozenset(("id", "task", "kind", "instruction", "input", "round", "batch"))
_NEEDED = {
    "instructions": _ROW,
    "examples": _ROW | {"output"},
    "rejected": _ROW | {"filter", "reason"},
}
"""What every row of a journal has: without it, the line is damaged."""


def dumps(value: Any) -> str:
    """Returns canonical JSON: one line, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


_raw_decode = json.JSONDecoder().raw_decode


def _row(line: bytes) -> dict[str, Any]:
    """Returns what a line of a journal holds; in half of the time of `json.loads`."""
    row, end = _raw_decode(text := line.decode())
    if (rest := text[end:]) != "\n" and rest.strip():
        raise ValueError(f"more than one value: char {end}")
    if type(row) is not dict:
        raise ValueError("expected a JSON object")
    return row


def _is_commit(value: Any) -> bool:
    """Says whether a line of the commit journal is one: a stage, and the sizes of journals."""
    if not isinstance(value, dict) or not isinstance(value.get("stage"), str):
        return False
    sizes = value.get("sizes")
    return isinstance(sizes, dict) and all(
        re.fullmatch(r"[\w-]+\.jsonl", name, re.ASCII) and type(size) is int and size >= 0
        for name, size in sizes.items()
    )


def whole_lines(file: Path) -> list[bytes]:
    """Returns the lines of a file that is only appended to; one that a kill cut short is cut off.

    A file that is not there has none.
    """
    if not file.exists():
        return []
    whole, end, _ = file.read_bytes().rpartition(b"\n")
    os.truncate(file, len(whole + end))
    return whole.splitlines()


class RoundFolder:
    """Journals and results of one round.

    Attributes:
        commits: what each committed batch said, in order: stage, batch, and its own notes.
    """

    def __init__(self, path: Path, *, write: bool = True) -> None:
        self.path = path
        self._write = write
        self._within: dict[str, RoundFolder] = {}
        self.commits = self._read_commits()
        self._sizes: dict[str, int] = dict(self.commits[-1]["sizes"]) if self.commits else {}
        if write:
            make_folder(path)
            self._cut_back()
            sync(path.parent)  # a process may have been killed before it synced the names it made
            sync(path)

    def _read_commits(self) -> list[dict[str, Any]]:
        """Returns the complete lines of the commit journal."""
        file = self.path / COMMITS
        lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        try:
            commits = [json.loads(line) for line in whole]
            for number, commit in enumerate(commits, 1):
                if not _is_commit(commit):
                    raise ValueError(f"line {number} is no commit")
        except (ValueError, RecursionError) as error:
            raise SelfspecError(f"{file}: damaged: {error}") from None
        return commits

    def _cut_back(self) -> None:
        """Cuts every journal that has been committed back to the last commit; no other file.

        Raises:
            SelfspecError: if a journal is shorter than its commits say; nothing is touched then.
        """
        for name, size in self._sizes.items():
            journal = self.path / name
            found = journal.stat().st_size if journal.exists() else 0
            if found < size:
                lacking = f"{found} bytes, but {COMMITS} says {size}"
                raise SelfspecError(f"{journal}: damaged: {lacking}")
        journals = [path for path in self.path.glob("*.jsonl") if path.name != COMMITS]
        if not self.commits and any(path.stat().st_size for path in journals):
            if not (self.path / COMMITS).exists():
                raise SelfspecError(f"{self.path / COMMITS}: missing, but there are journals")
        for name, size in self._sizes.items():
            if (self.path / name).exists():
                os.truncate(self.path / name, size)
        if (self.path / COMMITS).exists():
            whole = (self.path / COMMITS).read_bytes().rpartition(b"\n")
            os.truncate(self.path / COMMITS, len(whole[0] + whole[1]))

    def commit(
        self, stage: str, batch: int, rows: Mapping[str, Sequence[Mapping[str, Any]]], **notes: Any
    ) -> None:
        """Appends a batch's rows to their journals, then commits them together.

        Args:
            rows: journal name (without suffix) -> rows.
            notes: what else has to be known on resume (decisions, counts).
        """
        if not self.commits and not (self.path / COMMITS).exists():
            self._append(COMMITS, b"")  # journals without it have lost it, and are not cut back
        for name, lines in rows.items():
            journal = f"{name}.jsonl"
            data = "".join(dumps(line) + "\n" for line in lines).encode()
            self._append(journal, data, "ab" if journal in self._sizes else "wb")
            self._sizes[journal] = self._sizes.get(journal, 0) + len(data)
        sizes = dict(sorted(self._sizes.items()))
        commit = {"stage": stage, "batch": batch, **notes, "sizes": sizes}
        self._append(COMMITS, (dumps(commit) + "\n").encode())
        self.commits.append(commit)

    def _append(self, name: str, data: bytes, mode: str = "ab") -> None:
        journal = self.path / name
        new = not journal.exists()
        with journal.open(mode) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync(self.path)

    def read(
        self, name: str, *, having: str | None = None, without: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yields the committed rows of a journal, one at a time.

        Args:
            having: only those with this key; what does not mention it is not parsed.
            without: only those that lack this key.

        Raises:
            SelfspecError: naming the line that is damaged, of those that are parsed.
        """
        file = self.path / f"{name}.jsonl"
        end = self._sizes.get(file.name, 0)
        if not end:
            return
        needed = _NEEDED.get(name, frozenset())
        sign = b"" if having is None else dumps(having).encode()
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if end <= 0:
                    break
                end -= len(line)
                if sign not in line:
                    continue
                try:
                    row = _row(line)
                    if not needed <= row.keys():
                        raise ValueError(f"lacks '{min(needed - row.keys())}'")
                except (ValueError, RecursionError) as error:
                    raise SelfspecError(f"{file}:{number}: damaged: {error}") from None
                wanted = having is None or having in row
                if wanted and (without is None or without not in row):
                    yield row
        if end > 0:
            raise SelfspecError(f"{file}: damaged: {end} bytes fewer than {COMMITS} says")

    def count(self, name: str) -> int:
        """Returns how many rows of a journal are committed; none of them is read."""
        file, lines = self.path / f"{name}.jsonl", 0
        left = self._sizes.get(file.name, 0)
        if not left:
            return 0
        with file.open("rb") as data:
            while left > 0 and (block := data.read(min(left, _BLOCK))):
                lines += block.count(b"\n")
                left -= len(block)
        return lines

    def within(self, name: str) -> RoundFolder:
        """Returns a folder in this one with journals of its own, recovered on first use."""
        if name not in self._within:
            self._within[name] = RoundFolder(self.path / name, write=self._write)
        return self._within[name]

    def done(self, stage: str) -> int:
        """Returns how many batches of a stage are committed."""
        return sum(commit["stage"] == stage for commit in self.commits)
