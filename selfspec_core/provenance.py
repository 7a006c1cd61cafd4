"""What a run depends on: recorded in its manifest, compared before it is resumed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from selfspec_core.assembly.assemble import Assembly
from selfspec_core.assembly.resolve import flat
from selfspec_core.errors import SelfspecError

_LIBRARIES = (
    "selfspec torch transformers peft trl accelerate bitsandbytes tokenizers numpy rapidfuzz"
).split()


_ENDS = 32 * 2**20
"""Bytes read at either end of a model's file: gigabytes would take longer than a resume may."""


def describe_machine() -> dict[str, Any]:
    """Returns what a run depends on: Python, libraries, processor."""
    versions = {}
    for library in _LIBRARIES:
        try:
            versions[library] = version(library)
        except PackageNotFoundError:
            continue
    return {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "versions": versions,
    }


def check_same(manifest: dict[str, Any], assembly: Assembly) -> None:
    """Refuses to go on with a run under other conditions than it began with.

    Raises:
        SelfspecError: naming what changed.
    """
    for key, before, now in differences(manifest["conditions"], conditions(assembly)):
        raise SelfspecError(
            f"cannot resume: {key} changed from {before!r} to {now!r}; "
            "start a new run, or bring back what it began with"
        )


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Returns (key, before, now) for every value of nested tables that is not the same."""
    old, new = flat(before), flat(now)
    keys = [*new, *(key for key in old if key not in new)]
    return [(key, old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)]


def conditions(assembly: Assembly) -> dict[str, Any]:
    """Returns what must stay the same for a run to end with the same bytes."""
    machine = describe_machine()
    asked = (*assembly.parts.sets, *assembly.parts.collateral)
    items = {one.name: digest_rows(one.items) for one in asked}
    general = assembly.context.general_seeds
    others = {"general seeds": digest_rows(general)} if general else {}
    retriever = assembly.context.retriever
    files = [Path(path) for path in assembly.knowledge]
    searched = {"knowledge": retriever.digest(files)} if retriever else {}
    return {
        **searched,
        **others,
        "python": machine["python"],
        "cpus": machine["cpus"],
        "version": machine["versions"],
        "plugin": assembly.plugins,
        "model files": _models_digest(assembly),
        "seeds": digest_rows(assembly.context.seeds),
        "items": items,
        "screened against": assembly.parts.firewall.digest(),
        # where it generates makes no difference, and a cluster may be gone when a run goes on
        "settings": assembly.settings.model_dump(mode="json", exclude={"executor"}),
    }


def _models_digest(assembly: Assembly) -> str:
    """Digests the file or folder of each model that has one: a script, or weights on disk."""
    paths = (model.settings.path for model in assembly.models)
    return digest_rows(_file_digest(file) for path in paths if path for file in _files(path))


def _files(path: Path) -> list[Path]:
    """Returns the files of a model, in order; what describes it to people is none of them."""
    found = path.rglob("*") if path.is_dir() else [path]
    return sorted(file for file in found if file.is_file() and file.suffix != ".md")


def _file_digest(file: Path) -> tuple[str, int, str]:
    """Returns name, size and a hash of a file; of a large one only its ends are read."""
    size = file.stat().st_size
    with file.open("rb") as data:
        digest = hashlib.sha256(data.read(_ENDS))
        data.seek(max(size - _ENDS, data.tell()))
        digest.update(data.read())
    return file.name, size, digest.hexdigest()


def digest_rows(rows: Iterable[object]) -> str:
    """Returns what tells rows from others."""
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()[:16]
