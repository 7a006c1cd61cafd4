"""The run folder: its manifest, one writer at a time, and the journals of its rounds."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any, Self

from selfspec_core.errors import UsageError, nearest
from selfspec_core.files import make_folder, write_atomically
from selfspec_core.journals import COMMITS, RoundFolder
from selfspec_core.locks import LOCK, OWNER, Lock
from selfspec_core.manifest import read_manifest
from selfspec_core.places import check_own

RUNS = Path("runs")
_MADE = {"manifest.json": "run", "sweep.json": "sweep", "compose.json": "composition"}


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
            UsageError: if there is no manifest, it lacks a key or is broken, or a link leads out.
            SelfspecError: if another process is writing it.
        """
        check_own(path)
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
        if not any(self.path.glob(f"round-*/{COMMITS}")):
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
