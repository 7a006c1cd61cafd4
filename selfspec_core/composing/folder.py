"""The folder of a composition: what it is made of, one writer at a time, journals of a round."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, Self

from selfspec_core.errors import UsageError
from selfspec_core.files import make_folder, write_atomically
from selfspec_core.locks import Lock
from selfspec_core.provenance import differences
from selfspec_core.runs import RUNS, check_free

FILE = "compose.json"


class Composition:
    """A composition's folder, held against other processes.

    Beside `compose.json` it has what a round's folder has: journals, `adapter/`, `controls/`,
    `scores.json`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.about: dict[str, Any] = {}
        self._lock = Lock(path)

    @classmethod
    def begin(cls, path: Path, of: Mapping[str, Any], paths: list[str]) -> Self:
        """Makes the folder, or goes on with the one that is there if it is made of the same.

        Args:
            of: what it is made of.
            paths: the runs' folders.

        Raises:
            UsageError: if something else lies there, naming what differs.
            SelfspecError: if another process is at work in it.
        """
        if not (path / FILE).exists():
            check_free(path, FILE)
        make_folder(path)
        made = cls(path)
        with made._lock.taking():
            made.about = {"state": "unfinished", "of": dict(of)}
            if (path / FILE).exists():  # only now: who held it may have begun or finished it
                made.about = read_composition(path)
                _check_same(path, made.about["of"], of)
            else:
                check_free(path, FILE)
            made.about["paths"] = paths
            made.save()
        return made

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return bool(self.about["state"] == "finished")

    def save(self) -> None:
        """Writes compose.json in one step."""
        write_atomically(self.path / FILE, json.dumps(self.about, indent=1) + "\n")

    def discard_unused(self) -> None:
        """Removes the folder if nothing was ever committed in it; to be called before `close`."""
        if not (self.path / "commits.jsonl").exists():
            shutil.rmtree(self.path)

    def close(self) -> None:
        """Lets others in again."""
        self._lock.release()


def find_composition(name: str) -> Path | None:
    """Finds a composition by folder or by name under `runs/`; None if there is none."""
    found = (path for path in (Path(name), RUNS / name) if (path / FILE).is_file())
    return next(found, None)


def read_composition(path: Path) -> dict[str, Any]:
    """Reads compose.json.

    Raises:
        UsageError: naming the file and what is wrong with it.
    """
    file = path / FILE
    try:
        about: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(about["of"]["runs"], list) or not isinstance(about["paths"], list):
            raise TypeError("'runs' and 'paths' are lists")
        str(about["state"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"{file}: damaged: {type(error).__name__}: {error}") from None
    return about


def _check_same(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses to go on with a composition of other things."""
    given = [[run["name"] for run in each["runs"]] for each in (before, now)]
    if given[0] != given[1]:
        raise UsageError(
            f"--name {path.name}: {path} is composed of {', '.join(given[0])}; "
            "give another name, or remove it"
        )
    tables = (
        {**each, "runs": {run["name"]: run for run in each["runs"]}} for each in (before, now)
    )
    for key, old, new in differences(*tables):
        raise UsageError(
            f"--name {path.name}: {key} was {old!r} in {path} and is {new!r} now; "
            f"give another name, or remove {quote(str(path))}"
        )
