"""Taking a specialist elsewhere: what was written is seen whole and proven, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selfspec_core.components import Exporter
from selfspec_core.errors import SelfspecError, UsageError, nearest
from selfspec_core.files import filling, write_atomically
from selfspec_core.progress import Progress
from selfspec_core.specialists import Specialist

REPORT = "export.json"


def chosen_precision(exporter: Exporter, asked: str | None) -> str:
    """Returns the precision to write in: the one asked for, or the exporter's first.

    Raises:
        UsageError: naming those there are.
    """
    known = exporter.precisions
    if asked is None:
        return known[0] if known else ""
    if asked not in known:
        hint = nearest(asked, known) or "; this format has no choice"
        raise UsageError(f"--quantize {asked}: not for --to {exporter.name}{hint}")
    return asked


def place_of(specialist: Specialist, exporter: Exporter, precision: str) -> Path:
    """Returns where an export lies unless `--out` says otherwise: in the run's folder."""
    default = not exporter.precisions or precision == exporter.precisions[0]
    return specialist.run / "export" / (exporter.name + f"-{precision}" * (not default))


def export(
    specialist: Specialist, exporter: Exporter, out: Path, precision: str, progress: Progress
) -> dict[str, Any]:
    """Has a specialist written to the folder `out`, which must not be there; returns the report.

    Raises:
        UsageError: if something lies at `out`, or this specialist cannot be written so.
        SelfspecError: if what was written is not the specialist; nothing is left behind then.
    """
    from selfspec_core import __version__

    if out.exists():
        raise UsageError(f"{out}: exists already; remove it, or name another folder with --out")
    exporter.check(specialist)
    with filling(out) as staged:
        found = exporter.export(specialist, staged, precision, progress)
        report = {
            "run": specialist.name,
            "round": specialist.number,
            "system": specialist.system,
            "domain": specialist.domain,
            "base": specialist.base,
            "format": exporter.name,
            **({"precision": precision} if precision else {}),
            "selfspec": __version__,
            **found,
        }
        write_atomically(staged / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report


def check_push(repo: str) -> None:
    """Looks whether a repository of the hub could be written to, before anything is made for it.

    Raises:
        UsageError: if the name is none, the hub's client is missing, or there is no token.
    """
    try:
        from huggingface_hub import get_token
        from huggingface_hub.errors import HFValidationError
        from huggingface_hub.utils._validators import validate_repo_id
    except ImportError:
        raise UsageError("--push: needs the package huggingface_hub") from None
    try:
        validate_repo_id(repo)
    except HFValidationError:
        raise UsageError(f"--push {repo}: expected the name of a repository, as in me/x") from None
    if not get_token():
        raise UsageError("--push: no token of the hub; set HF_TOKEN, or `hf auth login` keeps one")


def push(folder: Path, repo: str) -> str:
    """Uploads an export to a model repository, made private if it is new; returns its address.

    Raises:
        SelfspecError: if the hub cannot be reached or refuses; the export stays where it is.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    try:
        made = api.create_repo(repo, private=True, exist_ok=True)
        api.upload_folder(
            repo_id=made.repo_id, folder_path=folder, commit_message="selfspec export"
        )
    except Exception as error:  # those of its HTTP library, whichever that is, are no OSError
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SelfspecError(f"--push {repo}: {why}; the export stays in {folder}") from None
    return str(made)
