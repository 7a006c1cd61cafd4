"""Tuning one system: on what, where its adapter lies, and that it is made once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from pathlib import Path

from selfspec_core.components import Context, Trainer
from selfspec_core.errors import SelfspecError
from selfspec_core.files import new_folder
from selfspec_core.firewall import Firewall
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import decided
from selfspec_core.stages.distract import with_passages
from selfspec_core.stages.names import GENERIC, PREFERRED, SPECIALIST
from selfspec_core.stages.replay import with_replay
from selfspec_core.types import Adapter, Example, Seed

STAGE = "specialize"
PROBE = "probe"


def rows_of(examples: Sequence[Example], context: Context) -> list[Seed | Example]:
    """Returns what a specialist is tuned on: seeds, examples with their passages, and replay."""
    seeds = context.seeds if context.settings.data.seeds else ()
    return with_replay([*seeds, *with_passages(examples, context)], context)


def adapter_path(folder: RoundFolder, system: str) -> Path:
    """Returns where a system's adapter lies; that of `generic` beside its journals."""
    places = {SPECIALIST: "adapter", PREFERRED: "preferred", PROBE: "probe"}
    places[GENERIC] = f"controls/{GENERIC}/adapter"
    return folder.path / places.get(system, f"controls/{system}")


def trained(folder: RoundFolder, stage: str = STAGE) -> dict[str, Adapter]:
    """Returns the adapters that the round has finished in a stage, by system name."""
    done = [commit["trained"] for commit in folder.commits if commit["stage"] == stage]
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


def train(
    system: str,
    rows: Sequence[Seed | Example],
    steps: int | None,
    folder: RoundFolder,
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
    stage: str = STAGE,
) -> Adapter:
    """Trains one system on what the firewall lets through, unless it has been.

    Raises:
        SelfspecError: if the firewall rejects all rows, or an adapter is gone that was made before.
    """
    done = finished(folder, system, stage)
    if done is not None:
        return done
    verdicts = firewall.screen(rows)
    clean = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict.keep]
    if not clean:
        raise SelfspecError(f"{system}: nothing to train on; the firewall rejected all {len(rows)}")
    screened = [
        {"row": row.id, "evidence": verdict.evidence}
        for row, verdict in zip(rows, verdicts, strict=True)
        if not verdict.keep
    ]
    settings = context.settings.training
    expected = steps or ceil(settings.epochs * ceil(len(clean) / settings.batch))
    with context.progress.stage(f"train {system}", expected, "steps"):
        return put_in_place(
            folder,
            system,
            lambda out: trainer.train(clean, out, context, steps=steps),
            screened,
            context,
            stage,
        )


def finished(folder: RoundFolder, system: str, stage: str = STAGE) -> Adapter | None:
    """Returns a system's adapter if the round has made it.

    Raises:
        SelfspecError: if it is gone.
    """
    adapter = trained(folder, stage).get(system)
    if adapter is not None and not adapter.path.is_dir():
        raise SelfspecError(f"{adapter.path}: missing, though the run says it was trained")
    return adapter


def put_in_place(
    folder: RoundFolder,
    system: str,
    make: Callable[[Path], Adapter],
    screened: list[dict[str, str]],
    context: Context,
    stage: str = STAGE,
) -> Adapter:
    """Makes an adapter in a folder beside its place, moves it there in one step and commits it."""
    path = adapter_path(folder, system)
    out = new_folder(path)
    made = make(out)
    shutil.rmtree(path, ignore_errors=True)
    out.replace(path)
    adapter = replace(made, path=path)
    row = {"system": system, **adapter.to_dict(), "screened": screened}
    folder.commit(stage, folder.done(stage), {}, trained=row, **decided(context))
    return adapter
