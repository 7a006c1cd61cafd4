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


def take_in(retriever: Retriever, paths: Sequence[str], folder: Path, progress: Progress) -> None:
    """Indexes the files of `--knowledge` in `folder`.

    Raises:
        UsageError: naming the first file that cannot be read.
    """
    failed = [
        row.problem
        for row in retriever.add([Path(path) for path in paths], progress, folder)
        if row.problem
    ]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise UsageError(f"--knowledge {failed[0]}{more}")
