"""The folder of a composition: what it is made of, one writer at a time, journals of a round."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from selfspec_core.assembly.resolve import read_back
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.files import make_folder, write_atomically
from selfspec_core.journals import RoundFolder
from selfspec_core.locks import Lock
from selfspec_core.places import check_own
from selfspec_core.provenance import differences
from selfspec_core.runs import RUNS, check_free

FILE = "compose.json"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A run that is composed.

    Attributes:
        round: whose specialist it is.
        system: `specialized` or `preferred`.
        adapter: what tells its files from others.
    """

    name: str
    domain: str
    round: int
    system: str
    adapter: str


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a composition is made of, to be compared before one is gone on with.

    Attributes:
        set: settings over those of the runs, as nested tables.
    """

    runs: list[Ingredient]
    base: str
    set: list[dict[str, Any]]


@dataclass(slots=True)
class About:
    """What compose.json says.

    Attributes:
        paths: the runs' folders.
        conditions: by run, what its answers hang on: items, versions, settings.
    """

    state: Literal["unfinished", "finished"]
    of: Ingredients
    paths: Annotated[list[str], Field(min_length=1)]
    conditions: dict[str, dict[str, Any]] = field(default_factory=dict)


class Composition:
    """A composition's folder, held against other processes.

    Beside `compose.json` it has what a round's folder has: journals, `adapter/`, `controls/`,
    `scores.json`.
    """

    def __init__(self, path: Path, about: About) -> None:
        self.path, self.about = path, about
        self._lock = Lock(path)

    @classmethod
    def begin(cls, path: Path, of: Ingredients, paths: list[str]) -> Self:
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
        check_own(path)
        made = cls(path, About("unfinished", of, paths))
        with made._lock.taking():
            if (path / FILE).exists():  # only now: who held it may have begun or finished it
                made.about = replace(read_composition(path), paths=paths)
                _check_same(path, made.about.of, of)
            else:
                check_free(path, FILE)
            made.save()
        return made

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.about.state == "finished"

    def hold_to(self, conditions: dict[str, dict[str, Any]]) -> None:
        """Notes the conditions under which it begins; refuses to go on under others.

        Raises:
            SelfspecError: naming what changed.
        """
        begun = self.about.conditions = self.about.conditions or conditions
        for key, before, now in differences(begun, conditions):
            raise SelfspecError(
                f"cannot go on with {self.path}: {key} changed from {before!r} to {now!r}; "
                "give another --name, or bring back what it began with"
            )
        self.save()

    def save(self) -> None:
        """Writes compose.json in one step."""
        write_atomically(self.path / FILE, json.dumps(asdict(self.about), indent=1) + "\n")

    def discard_unused(self) -> None:
        """Removes the folder if no more was done than to load a model; called before `close`."""
        commits = RoundFolder(self.path, write=False).commits
        if all(commit["stage"] == "load" for commit in commits):
            shutil.rmtree(self.path)

    def close(self) -> None:
        """Lets others in again."""
        self._lock.release()


def find_composition(name: str) -> Path | None:
    """Finds a composition by folder or by name under `runs/`; None if there is none."""
    found = (path for path in (Path(name), RUNS / name) if (path / FILE).is_file())
    return next(found, None)


def read_composition(path: Path) -> About:
    """Reads compose.json.

    Raises:
        UsageError: naming the file, and the key that is missing or wrong.
    """
    check_own(path)
    file = path / FILE
    try:
        row = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: damaged: not valid JSON: {error}") from None
    return read_back(About, row, file)


def _check_same(path: Path, before: Ingredients, now: Ingredients) -> None:
    """Refuses to go on with a composition of other things."""
    given = [[run.name for run in each.runs] for each in (before, now)]
    if given[0] != given[1]:
        raise UsageError(
            f"--name {path.name}: {path} is composed of {', '.join(given[0])}; "
            "give another name, or remove it"
        )
    tables = (
        asdict(each) | {"runs": {run.name: asdict(run) for run in each.runs}}
        for each in (before, now)
    )
    for key, old, new in differences(*tables):
        raise UsageError(
            f"--name {path.name}: {key} was {old!r} in {path} and is {new!r} now; "
            f"give another name, or remove {quote(str(path))}"
        )
