"""Tuning systems: on what, where their adapters lie, and that each is made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from selfspec_core.components import Component, Context, Trainer
from selfspec_core.config import Settings
from selfspec_core.contracts import made_in
from selfspec_core.errors import SelfspecError
from selfspec_core.files import new_folder, put_folder
from selfspec_core.firewall import Firewall
from selfspec_core.journals import COMMITS, RoundFolder
from selfspec_core.manifest import as_written
from selfspec_core.stages.chain import decided
from selfspec_core.stages.distract import with_passages
from selfspec_core.stages.names import GENERIC, MIXTURE, PREFERRED, SPECIALIST
from selfspec_core.stages.replay import with_replay
from selfspec_core.types import Adapter, Example, Seed, TrainingJob

STAGE = "specialize"
PROBE = "probe"

By = tuple[Component, str]
"""Who makes an adapter and by which of its methods: named if it makes something else."""


def examples_of(run: Path, number: int, settings: Settings) -> list[Example]:
    """Returns the run's own examples that a round's specialist is tuned on: of that round, or of
    all rounds so far.

    Args:
        run: the run's folder.
    """
    rounds = range(1, number + 1) if settings.rounds.collect == "add" else [number]
    folders = (RoundFolder(run / f"round-{each}", write=False) for each in rounds)
    return [Example.from_dict(row) for folder in folders for row in folder.read("examples")]


def rows_of(examples: Sequence[Example], context: Context) -> list[Seed | Example]:
    """Returns what a specialist is tuned on: seeds, examples with their passages, and replay."""
    seeds = context.seeds if context.settings.data.seeds else ()
    return with_replay([*seeds, *with_passages(examples, context)], context)


def adapter_path(folder: RoundFolder, system: str) -> Path:
    """Returns where a system's adapter lies; that of `generic` beside its journals."""
    places = {SPECIALIST: "adapter", MIXTURE: "adapter", PREFERRED: "preferred", PROBE: "probe"}
    places[GENERIC] = f"controls/{GENERIC}/adapter"
    return folder.path / places.get(system, f"controls/{system}")


def trained(folder: RoundFolder, stage: str = STAGE) -> dict[str, Adapter]:
    """Returns the adapters that the round has finished in a stage, by system name."""
    with as_written(folder.path / COMMITS):
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


@dataclass(frozen=True, slots=True)
class Plan:
    """A system to tune.

    Attributes:
        steps: optimizer steps; the name of an earlier plan for as many as that takes; or None.
    """

    system: str
    rows: Sequence[Seed | Example]
    steps: int | str | None = None


def train_all(
    plans: Sequence[Plan],
    folder: RoundFolder,
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
    stage: str = STAGE,
) -> dict[str, Adapter]:
    """Trains systems on what the firewall lets through, unless they have been; by system name.

    Raises:
        SelfspecError: if the firewall rejects all rows, or an adapter is gone that was made before.
    """
    done = {plan.system: finished(folder, plan.system, stage) for plan in plans}
    adapters = {system: adapter for system, adapter in done.items() if adapter is not None}
    todo = [plan for plan in plans if plan.system not in adapters]
    if not todo:
        return adapters
    screened = {plan.system: _screened(plan, firewall) for plan in todo}
    steps = {system: adapter.steps for system, adapter in adapters.items()}
    jobs = []
    for plan in todo:
        rows, wanted = screened[plan.system][0], plan.steps
        told = steps[wanted] if isinstance(wanted, str) else wanted
        steps[plan.system] = told or trainer.steps_of(len(rows), context)
        jobs.append(TrainingJob(rows, new_folder(adapter_path(folder, plan.system)), told))
    names = ", ".join(plan.system for plan in todo)
    with context.progress.stage(f"train {names}", sum(steps[p.system] for p in todo), "steps"):
        made = trainer.train_all(jobs, context)
        for plan, job, adapter in zip(todo, jobs, made, strict=True):
            evidence, by = screened[plan.system][1], (trainer, "train")
            adapters[plan.system] = _settle(
                folder, plan.system, job.out, adapter, by, evidence, context, stage
            )
    return adapters


def _screened(plan: Plan, firewall: Firewall) -> tuple[list[Seed | Example], list[dict[str, str]]]:
    """Returns the rows to train on, and the evidence against the others."""
    verdicts = firewall.screen(plan.rows)
    clean = [row for row, verdict in zip(plan.rows, verdicts, strict=True) if verdict.keep]
    if not clean:
        raise SelfspecError(
            f"{plan.system}: nothing to train on; the firewall rejected all {len(plan.rows)}"
        )
    return clean, [
        {"row": row.id, "evidence": verdict.evidence}
        for row, verdict in zip(plan.rows, verdicts, strict=True)
        if not verdict.keep
    ]


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
    by: By,
    screened: list[dict[str, str]],
    context: Context,
    stage: str = STAGE,
) -> Adapter:
    """Makes an adapter in a folder beside its place, moves it there and commits it.

    Raises:
        SelfspecError: if what was made is no adapter in that folder; nothing is moved then.
    """
    out = new_folder(adapter_path(folder, system))
    return _settle(folder, system, out, make(out), by, screened, context, stage)


def _settle(
    folder: RoundFolder,
    system: str,
    out: Path,
    made: Adapter,
    by: By,
    screened: list[dict[str, str]],
    context: Context,
    stage: str,
) -> Adapter:
    path = adapter_path(folder, system)
    adapter = replace(made_in(out, made, *by), path=path)
    put_folder(out, path)
    row = {"system": system, **adapter.to_dict(), "screened": screened}
    folder.commit(stage, folder.done(stage), {}, trained=row, **decided(context))
    return adapter
