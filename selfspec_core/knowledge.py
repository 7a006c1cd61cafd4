"""A domain's knowledge: the retriever that the settings choose, and files of the user's for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selfspec_core.components import Retriever
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError
from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Progress
from selfspec_core.types import Indexed

PASSAGES = 3
"""Passages in a prompt when `--knowledge` is given and no setting says how many."""


def find_retriever(host: PluginHost, settings: Settings, domain: str) -> Retriever:
    """Builds the retriever that `retrieval.retriever` names, or the only one that takes files.

    Raises:
        UsageError: if it does not take files, or none or several do.
    """
    offered = host.offered("retrievers", domain)
    able = [cls.name for _, cls in offered if cls.add is not Retriever.add]
    name = settings.retrieval.retriever or (able[0] if len(able) == 1 else None)
    if name is None:
        which = f"name one that takes files: {', '.join(able)}" if able else "none takes files"
        raise UsageError(f"retrieval.retriever: {which}")
    built: Retriever = host.build("retrievers", name, settings.components.of(name), domain)
    if type(built).add is Retriever.add:
        raise UsageError(
            f"retrieval.retriever: '{name}' takes no files; these do: {', '.join(able)}"
        )
    return built


def defaults(paths: Sequence[str]) -> dict[str, Any]:
    """Returns the settings that `--knowledge` stands for; a recipe and flags lie over them."""
    return {"retrieval": {"k": PASSAGES}} if paths else {}


def check_paths(paths: Sequence[str]) -> None:
    """Refuses, before anything is loaded, what leads to no file; what is in one is read later.

    Raises:
        UsageError: naming the flag and the path.
    """
    for path in map(Path, paths):
        if not path.exists():
            raise UsageError(f"--knowledge {path}: no such file or folder")
        if path.is_dir() and not any(within.is_file() for within in path.rglob("*")):
            raise UsageError(f"--knowledge {path}: holds no file")


def take_in(retriever: Retriever, paths: Sequence[str], folder: Path, progress: Progress) -> None:
    """Indexes the files of `--knowledge` in `folder`.

    Raises:
        UsageError: naming the first file that cannot be read; the others are said before.
    """
    rows = retriever.add([Path(path) for path in paths], progress, folder)
    if problem := say_problems(rows, progress):
        raise UsageError(f"--knowledge {problem}")


def say_problems(rows: Sequence[Indexed], progress: Progress) -> str:
    """Says all problems but the first, and returns that for the error that ends the command."""
    first, *others = [row.problem for row in rows if row.problem] or [""]
    for problem in others:
        progress.say(problem)
    return f"{first} (and {len(others)} more, each in a line above)" if others else first
