"""The run folder: manifest, append-only journals, one writer at a time, resume.

A batch is committed by one line in `commits.jsonl` that holds the size of every journal after it.
Opening a run cuts each journal back to the last commit, so a kill at any instant loses at most the
batch it interrupted. Lines hold no time, run name or absolute path: two runs of the same settings
write the same bytes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any, Self

from selfspec_core.errors import SelfspecError, UsageError, nearest
from selfspec_core.files import make_folder, sync, write_atomically
from selfspec_core.locks import LOCK, OWNER, Lock
from selfspec_core.manifest import read_manifest

RUNS = Path("runs")
_COMMITS = "commits.jsonl"
_BLOCK = 1 << 20
_MADE = {"manifest.json": "run", "sweep.json": "sweep", "compose.json": "composition"}


def dumps(value: Any) -> str:
    """Returns canonical JSON: one line, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


_raw_decode = json.JSONDecoder().raw_decode


def _loads(line: bytes) -> Any:
    """Returns what a line of a journal holds; half of the time of `json.loads`."""
    value, end = _raw_decode(text := line.decode())
    if text[end:].strip():
        raise ValueError(f"more than one value: char {end}")
    return value


def _row(line: bytes) -> dict[str, Any]:
    row = _loads(line)
    if not isinstance(row, dict):
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

    def _read_commits(self) -> list[dict[str, Any]]:
        """Returns the complete lines of the commit journal."""
        file = self.path / _COMMITS
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
        """Cuts every journal back to the last commit.

        Raises:
            SelfspecError: if a journal is shorter than its commits say; nothing is touched then.
        """
        for name, size in self._sizes.items():
            journal = self.path / name
            found = journal.stat().st_size if journal.exists() else 0
            if found < size:
                lacking = f"{found} bytes, but {_COMMITS} says {size}"
                raise SelfspecError(f"{journal}: damaged: {lacking}")
        journals = [path for path in self.path.glob("*.jsonl") if path.name != _COMMITS]
        if not self.commits and any(path.stat().st_size for path in journals):
            if not (self.path / _COMMITS).exists():
                raise SelfspecError(f"{self.path / _COMMITS}: missing, but there are journals")
        for journal in journals:
            os.truncate(journal, self._sizes.get(journal.name, 0))
        if (self.path / _COMMITS).exists():
            whole = (self.path / _COMMITS).read_bytes().rpartition(b"\n")
            os.truncate(self.path / _COMMITS, len(whole[0] + whole[1]))

    def commit(
        self, stage: str, batch: int, rows: Mapping[str, Sequence[Mapping[str, Any]]], **notes: Any
    ) -> None:
        """Appends a batch's rows to their journals, then commits them together.

        Args:
            rows: journal name (without suffix) -> rows.
            notes: what else has to be known on resume (decisions, counts).
        """
        for name, lines in rows.items():
            journal = f"{name}.jsonl"
            data = "".join(dumps(line) + "\n" for line in lines).encode()
            self._append(journal, data)
            self._sizes[journal] = self._sizes.get(journal, 0) + len(data)
        sizes = dict(sorted(self._sizes.items()))
        commit = {"stage": stage, "batch": batch, **notes, "sizes": sizes}
        self._append(_COMMITS, (dumps(commit) + "\n").encode())
        self.commits.append(commit)

    def _append(self, name: str, data: bytes) -> None:
        journal = self.path / name
        new = not journal.exists()
        with journal.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if new:
            sync(self.path)

    def read(self, name: str) -> Iterator[dict[str, Any]]:
        """Yields the committed rows of a journal, one at a time."""
        file = self.path / f"{name}.jsonl"
        end = self._sizes.get(file.name, 0)
        if not end:
            return
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield _row(line)
                except (ValueError, RecursionError) as error:
                    raise SelfspecError(f"{file}:{number}: damaged: {error}") from None
                end -= len(line)
                if end <= 0:
                    break

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


class Run:
    """One run folder, opened for writing or only for reading."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self.manifest: dict[str, Any] = {}
        self._write, self._lock = write, Lock(path)
        self._rounds: dict[int, RoundFolder] = {}

    @classmethod
    def create(cls, path: Path, manifest: Mapping[str, Any]) -> Self:
        """Makes a new run folder.

        Raises:
            UsageError: if the folder exists already.
            SelfspecError: if another process began the same run an instant ago.
        """
        check_free(path, "manifest.json")
        make_folder(path)
        run = cls(path, write=True)
        with run._lock.taking():
            check_free(path, "manifest.json")  # may have been made since, by who held it
            run.manifest = {"created": datetime.now(UTC).isoformat(), **manifest}
            run.save_manifest()
        return run

    @classmethod
    def open(cls, path: Path, *, write: bool = False) -> Self:
        """Opens an existing run.

        Raises:
            UsageError: if there is no manifest, or it lacks a key or is broken.
            SelfspecError: if another process is writing it.
        """
        run = cls(path, write=write)
        run.manifest = read_manifest(path)
        if write:
            with run._lock.taking():
                run.manifest = read_manifest(path)  # who held it may have finished the run
        return run

    def save_manifest(self) -> None:
        """Writes manifest.json in one step."""
        write_atomically(self.path / "manifest.json", json.dumps(self.manifest, indent=1) + "\n")

    def round(self, number: int) -> RoundFolder:
        """Returns the folder of a round, recovered to its last commit on first use."""
        if number not in self._rounds:
            path = self.path / f"round-{number}"
            self._rounds[number] = RoundFolder(path, write=self._write)
        return self._rounds[number]

    def round_numbers(self) -> list[int]:
        """Returns the numbers of the rounds that exist, in order."""
        found = (re.fullmatch(r"round-(\d+)", p.name) for p in self.path.glob("round-*"))
        return sorted(int(match[1]) for match in found if match)

    def discard_unused(self) -> None:
        """Removes the folder if no batch was ever committed in it; to be called before `close`."""
        if not any(self.path.glob(f"round-*/{_COMMITS}")):
            shutil.rmtree(self.path)

    def close(self) -> None:
        """Lets others write it."""
        self._lock.release()


def check_free(path: Path, kept: str) -> None:
    """Refuses the name of a folder in which there is something already.

    One that was given up before `kept` was written, by a kill or a full disk, holds a lock at most
    and is free.

    Args:
        kept: the file from which on a folder can be resumed.

    Raises:
        UsageError: saying what to do with it.
    """
    names = {found.name for found in path.iterdir()} if path.exists() else set()
    if not names - {LOCK, OWNER, f".{kept}.tmp"}:
        return
    then = f"is no {_MADE[kept]}; choose another name or remove it"
    if kept in names:
        then = f"exists already; `selfspec resume {quote(path.name)}` goes on"
    raise UsageError(f"--name {path.name}: {path} {then}")


def find_run(name: str) -> Path:
    """Finds a run by folder, by name under `runs/`, or `latest`.

    Raises:
        UsageError: naming the nearest run.
    """
    if name == "latest":
        made = [(_created(p), p) for p in RUNS.glob("*") if (p / "manifest.json").exists()]
        if not made:
            raise UsageError(f"latest: no run under {RUNS.absolute()}; `selfspec run` makes one")
        return max(made)[1]
    for path in (Path(name), RUNS / name):
        if (path / "manifest.json").exists():
            return path
        if (path / "sweep.json").exists():
            raise UsageError(f"{name}: is a sweep; name one of its runs, as in {name}/POINT")
        if (path / "compose.json").exists():
            takers = "`ask` and `chat` take it, and the same `selfspec compose` shows it"
            raise UsageError(f"{name}: is a composition, not a run; {takers}")
    known = [p.name for p in RUNS.glob("*") if (p / "manifest.json").exists()]
    raise UsageError(f"{name}: no such run{nearest(name, known)}")


def _created(path: Path) -> str:
    try:
        return str(json.loads((path / "manifest.json").read_text(encoding="utf-8"))["created"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):  # to open it says what
        return ""
