"""What a run depends on: recorded in its manifest, compared before it is resumed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from selfspec_core.assemble import Assembly
from selfspec_core.errors import SelfspecError

_LIBRARIES = (
    "selfspec torch transformers peft trl accelerate bitsandbytes tokenizers numpy rapidfuzz"
).split()


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
    now, before = _flat(conditions(assembly)), _flat(manifest["conditions"])
    for key in [*now, *(before.keys() - now.keys())]:
        if now.get(key) != before.get(key):
            raise SelfspecError(
                f"cannot resume: {key} changed from {before.get(key)!r} to {now.get(key)!r}; "
                "start a new run, or bring back what it began with"
            )


def conditions(assembly: Assembly) -> dict[str, Any]:
    """Returns what must stay the same for a run to end with the same bytes."""
    machine = describe_machine()
    items = {one.name: _digest(one.items) for one in assembly.parts.sets}
    return {
        "python": machine["python"],
        "cpus": machine["cpus"],
        "version": machine["versions"],
        "plugin": assembly.plugins,
        "seeds": _digest(assembly.context.seeds),
        "items": items,
        "screened against": assembly.parts.firewall.digest(),
        "settings": assembly.settings.model_dump(mode="json"),
    }


def _digest(rows: Iterable[object]) -> str:
    return hashlib.sha256(repr(list(rows)).encode()).hexdigest()[:16]


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested tables as one, keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        flat.update(_flat(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return flat
