"""What a run says about itself, read back: whatever is missing or wrong is said with its key."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from selfspec_core.errors import UsageError

_SORTS = {str: "a text", dict: "an object", list: "a list", float: "a number"}
_KEYS: dict[str, type] = {
    "created": str,
    "domain": str,
    "model": str,
    "state": str,
    "seconds": float,
    "request": dict,
    "conditions": dict,
    "timings": dict,
    "not_screened_against": list,
    "notes": list,
}
_MAY_LACK: dict[str, Any] = {"timings": {}, "not_screened_against": [], "notes": []}


def read_manifest(folder: Path) -> dict[str, Any]:
    """Reads the manifest of a run.

    Raises:
        UsageError: naming the file, and the key that is missing or wrong.
    """
    file = folder / "manifest.json"
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{folder}: not a run folder (it has no manifest.json)") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: not valid JSON: {error}") from None
    if not isinstance(manifest, dict):
        raise UsageError(f"{file}: expected a JSON object")
    manifest = deepcopy(_MAY_LACK) | manifest
    for key, sort in _KEYS.items():
        if key not in manifest:
            raise UsageError(f"{file}: damaged: key '{key}' is missing")
        if not isinstance(manifest[key], (int, float) if sort is float else sort):
            found = repr(manifest[key])[:40]
            raise UsageError(f"{file}: damaged: key '{key}': expected {_SORTS[sort]}, got {found}")
    return manifest
