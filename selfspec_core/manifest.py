"""What a run says about itself: made when it begins; read back, a wrong key is said by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core.errors import UsageError
from selfspec_core.finite import is_finite

if TYPE_CHECKING:
    from selfspec_core.assembly.assemble import Assembly

_NAMES = {str: "a text", dict: "an object", list: "a list", float: "a number", int: "a count"}
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
_LATER: dict[str, type] = {"rounds": list, "machine": dict}
"""What an unfinished run, or one of an earlier version, may be without."""
_ROUND: dict[str, type] = {"round": int, "system": str}
_RETIRED = (("evaluation", "batch"),)
"""Settings that there are no more, by table; they had no effect, and earlier runs name them."""
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
    if missing := [key for key in _KEYS if key not in manifest]:
        raise UsageError(f"{file}: damaged: key '{missing[0]}' is missing")
    _check_sorts(file, manifest, _KEYS | _LATER)
    for key in ("timings", "in_model_calls"):
        if not all(map(is_finite, manifest[key].values())):
            raise UsageError(f"{file}: damaged: key '{key}': expected seconds by step")
    for key in ("not_screened_against", "notes"):
        if not all(isinstance(text, str) for text in manifest[key]):
            raise UsageError(f"{file}: damaged: key '{key}': expected texts")
    for told in manifest.get("rounds", ()):
        if not isinstance(told, dict):
            raise UsageError(f"{file}: damaged: key 'rounds': expected objects")
        _check_sorts(file, told, _ROUND, "rounds.")
    _forget_retired(manifest)
    return manifest


def _forget_retired(manifest: Mapping[str, Any]) -> None:
    """Takes settings out that there are no more, from what a run began with and was asked."""
    asked = manifest["request"].get("set")
    for settings in (
        manifest["conditions"].get("settings"),
        *(asked if isinstance(asked, list) else ()),
    ):
        for table, key in _RETIRED:
            if isinstance(settings, dict) and isinstance(settings.get(table), dict):
                settings[table].pop(key, None)


_WRONG_DATA = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What code for rows raises when they are others."""


@contextmanager
def as_written(path: Path) -> Iterator[None]:
    """Takes what goes wrong in showing a file or folder of a run for damage: anybody may write one.

    Raises:
        UsageError: naming it, and what was found or missed.
    """
    try:
        yield
    except _WRONG_DATA as error:
        found = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(f"{path}: damaged: not as selfspec writes it ({found})") from error


def _check_sorts(
    file: Path, row: dict[str, Any], sorts: Mapping[str, type], within: str = ""
) -> None:
    """Refuses a value of another sort than its key has, if the key is there.

    Raises:
        UsageError: naming the file and the key.
    """
    for key, expected in sorts.items():
        value = row.get(key, expected())
        if not (is_finite(value) if expected is float else isinstance(value, expected)):
            wanted, found = _NAMES[expected], repr(value)[:40]
            raise UsageError(
                f"{file}: damaged: key '{within}{key}': expected {wanted}, got {found}"
            )


_COUNTS: dict[str, type] = {
    "round": int,
    "proposed": int,
    "accepted": int,
    "rejected": dict,
    "reasons": dict,
    "tasks": dict,
}
"""What scores.json says of the way to the examples."""
_SCORES: dict[str, type] = _COUNTS | {
    "unused": int,
    "sets": dict,
    "layouts": dict,
    "training": dict,
    "collateral": dict,
    "collateral_limit": float,
}
_SET: dict[str, type] = {"systems": dict, "gains": dict, "better": dict, "sizes": dict}


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
    if missing := _COUNTS.keys() - scores.keys():
        raise UsageError(f"{file}: damaged: key '{min(missing)}' is missing")
    _check_sorts(file, scores, _SCORES)
    _check_sorts(file, scores["sets"], dict.fromkeys(scores["sets"], dict), "sets.")
    for name, told in scores["sets"].items():
        _check_sorts(file, told, _SET, f"sets.{name}.")
    return scores
