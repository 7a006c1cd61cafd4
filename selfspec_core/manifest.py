"""What a run says about itself: made when it begins; read back, a wrong key is said by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core.errors import UsageError

if TYPE_CHECKING:
    from selfspec_core.assembly.assemble import Assembly

_NAMES = {str: "a text", dict: "an object", list: "a list", float: "a number"}
_KEYS: dict[str, type] = {
    "created": str,
    "domain": str,
    "model": str,
    "state": str,
    "seconds": float,
    "request": dict,
    "conditions": dict,
    "timings": dict,
    "in_model_calls": dict,
    "not_screened_against": list,
    "notes": list,
}
_MAY_LACK: dict[str, Any] = {
    "timings": {},
    "in_model_calls": {},
    "not_screened_against": [],
    "notes": [],
}


def new_manifest(assembly: Assembly, as_asked: dict[str, Any]) -> dict[str, Any]:
    """Returns the manifest of a run that is about to begin; `Run.create` adds when.

    Args:
        as_asked: the request as `Request.from_dict` reads it, for `selfspec resume`.
    """
    from selfspec_core.provenance import conditions, describe_machine  # only reading is light

    return {
        "domain": assembly.context.domain,
        "model": assembly.settings.model.name,
        "state": "running",
        "seconds": 0.0,
        "chosen_round": None,
        "request": as_asked,
        "conditions": conditions(assembly),
        "machine": describe_machine(),
        "plugins": assembly.plugins,
        "not_screened_against": list(assembly.unscreened),
        "notes": list(assembly.notes),
        "timings": {},
        "in_model_calls": {},
    }


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
    for key, expected in _KEYS.items():
        if key not in manifest:
            raise UsageError(f"{file}: damaged: key '{key}' is missing")
        if not isinstance(manifest[key], (int, float) if expected is float else expected):
            found = repr(manifest[key])[:40]
            wanted = _NAMES[expected]
            raise UsageError(f"{file}: damaged: key '{key}': expected {wanted}, got {found}")
    for key in ("timings", "in_model_calls"):
        if not all(type(seconds) in (int, float) for seconds in manifest[key].values()):
            raise UsageError(f"{file}: damaged: key '{key}': expected seconds by step")
    return manifest


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Takes what goes wrong in showing a file or folder of a run for damage: anybody may write one.

    Raises:
        UsageError: naming it, and what was found or missed.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"{path}: damaged: not as selfspec writes it ({found})") from error


_COUNTS = {"round", "proposed", "accepted", "rejected", "reasons", "tasks"}
"""What scores.json says of the way to the examples."""


def read_scores(folder: Path) -> dict[str, Any] | None:
    """Reads the scores of a round; None if it was not evaluated.

    Raises:
        UsageError: naming the file, and what is wrong with it.
    """
    file = folder / "scores.json"
    try:
        scores = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file}: damaged: not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: not valid JSON: {error}") from None
    if not isinstance(scores, dict) or not isinstance(scores.get("sets"), dict):
        raise UsageError(f"{file}: damaged: holds no scores")
    if missing := _COUNTS - scores.keys():
        raise UsageError(f"{file}: damaged: key '{min(missing)}' is missing")
    return scores
