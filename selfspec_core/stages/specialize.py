"""Stage 3: tunes the base on the examples, and the controls on the seeds alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from math import ceil
from pathlib import Path
from typing import Any

from selfspec_core.components import Context, Trainer
from selfspec_core.errors import SelfspecError
from selfspec_core.files import new_folder
from selfspec_core.firewall import Firewall
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import decided
from selfspec_core.stages.distract import with_passages
from selfspec_core.stages.generic import generic_rows
from selfspec_core.stages.names import GENERIC, SPECIALIST
from selfspec_core.types import Adapter, Example, Seed

STAGE = "specialize"


def specialize(
    folder: RoundFolder, trainer: Trainer, firewall: Firewall, context: Context
) -> dict[str, Adapter]:
    """Trains the specialist and the controls; returns their adapters by system name.

    `seeds-only` takes the recipe's epochs over the seeds, `seeds-only-long` as many optimizer
    steps as the specialist: few steps and an overfit opponent, so that a gain has to hold against
    both. `generic` takes the recipe's epochs over what the same pipeline made of general seeds. An
    adapter that is complete is not trained again on resume.
    """
    seeds = list(context.seeds)
    examples = [Example.from_dict(row) for row in folder.read("examples")]
    shown = with_passages(examples, context)
    rows: list[Seed | Example] = [*(seeds if context.settings.data.seeds else []), *shown]
    adapters = {SPECIALIST: _train(SPECIALIST, rows, None, folder, trainer, firewall, context)}
    for control in context.settings.evaluation.controls:
        if control == GENERIC and not context.general_seeds:
            continue  # a note says so: `assemble`
        own = generic_rows(folder, context) if control == GENERIC else seeds
        steps = adapters[SPECIALIST].steps if control == "seeds-only-long" else None
        adapters[control] = _train(control, own, steps, folder, trainer, firewall, context)
    return adapters


def adapter_path(folder: RoundFolder, system: str) -> Path:
    """Returns where a system's adapter lies; that of `generic` beside its journals."""
    if system == SPECIALIST:
        return folder.path / "adapter"
    return folder.path / "controls" / system / ("adapter" if system == GENERIC else "")


def trained(folder: RoundFolder) -> dict[str, Adapter]:
    """Returns the adapters that the round has finished, by system name."""
    done = [commit["trained"] for commit in folder.commits if commit["stage"] == STAGE]
    return {
        row["system"]: Adapter(
            adapter_path(folder, row["system"]),
            row["rows"],
            row["steps"],
            row["tokens"],
            tuple(row["loss"]) if row["loss"] else None,
        )
        for row in done
    }


def _train(
    system: str,
    rows: Sequence[Seed | Example],
    steps: int | None,
    folder: RoundFolder,
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
) -> Adapter:
    """Trains one system into a folder beside its place, then moves it there in one step."""
    path = adapter_path(folder, system)
    finished = trained(folder)
    if system in finished:
        if not path.is_dir():
            raise SelfspecError(f"{path}: missing, though the run says it was trained")
        return finished[system]
    verdicts = firewall.screen(rows)
    clean = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict.keep]
    if not clean:
        raise SelfspecError(f"{system}: nothing to train on; the firewall rejected all {len(rows)}")
    out = new_folder(path)
    settings = context.settings.training
    expected = steps or ceil(settings.epochs * ceil(len(clean) / settings.batch))
    with context.progress.stage(f"train {system}", expected, "steps"):
        made = trainer.train(clean, out, context, steps=steps)
    shutil.rmtree(path, ignore_errors=True)
    out.replace(path)
    adapter = replace(made, path=path)
    screened = [
        {"row": row.id, "evidence": verdict.evidence}
        for row, verdict in zip(rows, verdicts, strict=True)
        if not verdict.keep
    ]
    row = _as_row(system, adapter, screened)
    folder.commit(STAGE, folder.done(STAGE), {}, trained=row, **decided(context))
    return adapter


def _as_row(system: str, adapter: Adapter, screened: list[dict[str, str]]) -> dict[str, Any]:
    row = asdict(adapter)
    del row["path"]
    return {"system": system, **row, "screened": screened}
