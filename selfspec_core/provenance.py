"""What a run depends on: recorded in its manifest, compared before it is resumed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from selfspec_core.assemble import Assembly
from selfspec_core.errors import SelfspecError

_LIBRARIES = ("torch", "transformers", "peft", "trl", "tokenizers", "numpy", "rapidfuzz")


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
    now = conditions(assembly)
    before = manifest["conditions"]
    for key in now:
        if now[key] != before.get(key):
            raise SelfspecError(
                f"cannot resume: {key} changed from {before.get(key)!r} to {now[key]!r}; "
                "start a new run, or bring back what it began with"
            )


def conditions(assembly: Assembly) -> dict[str, Any]:
    """Returns what must stay the same for a run to end with the same bytes."""
    machine = describe_machine()
    return {
        "python": machine["python"],
        "cpus": machine["cpus"],
        **{f"version of {name}": number for name, number in machine["versions"].items()},
        "seeds": hashlib.sha256(repr(list(assembly.context.seeds)).encode()).hexdigest()[:16],
        "items": assembly.parts.firewall.digest(),
        "settings": assembly.settings.model_dump(mode="json"),
    }
