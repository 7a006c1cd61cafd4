"""What `evaluate` does: asks a run's systems, or a bare model, in a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from selfspec_core.assembly.assemble import Assembly, assemble
from selfspec_core.assembly.request import Request
from selfspec_core.cli.output import plain, print_json
from selfspec_core.cli.progress import make_progress
from selfspec_core.errors import UsageError
from selfspec_core.firewall import Firewall
from selfspec_core.interchange.formats import settings_of
from selfspec_core.journals import RoundFolder
from selfspec_core.provenance import digest_rows
from selfspec_core.report.keep import read_seeds
from selfspec_core.runs import Run, find_run
from selfspec_core.sets.hub import absolute
from selfspec_core.specialists import check_base
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.develop import develop
from selfspec_core.stages.evaluate import evaluate as evaluate_systems
from selfspec_core.stages.names import PREFERRED
from selfspec_core.stages.prefer import sides
from selfspec_core.stages.tuning import examples_of, trained
from selfspec_core.types import Adapter, Example, Pair, Seed


def measure(
    target: str,
    domain: str | None,
    benchmarks: Sequence[str],
    flags: tuple[dict[str, Any], ...],
    baselines: tuple[str, ...] = (),
    *,
    as_json: bool,
) -> None:
    """Evaluates and prints; the run itself is only read.

    Raises:
        UsageError: if `target` is neither a run nor a model, or no domain is named for a model.
    """
    files = tuple(map(absolute, benchmarks))
    folder = _round_of(target)
    if folder is not None:
        path = find_run(target)
        asked = Request.from_dict(Run.open(path).manifest["request"], path / "manifest.json")
        request = replace(
            asked,
            domain=domain or asked.domain,
            benchmarks=files,
            set=(*asked.set, *flags),
            baselines=baselines,
        )
        adapters = trained(folder)
    elif domain is None:
        raise UsageError(f"{target}: no such run; to evaluate a model of that name give --domain")
    else:
        request = Request(domain, model=target, benchmarks=files, set=flags, baselines=baselines)
        adapters = {}
    with make_progress() as progress:
        assembly = assemble(request, progress)
        if adapters and assembly.parts.training_model is not None:
            assembly.context.model = assembly.parts.training_model
        if folder is not None:  # what is random there depends on the round
            assembly.context.round = int(folder.path.name.rpartition("-")[2])
        assembly.context.model.load()
        if adapters and folder is not None:
            check_base(folder, assembly.context.model)
        with tempfile.TemporaryDirectory() as scratch:
            scores = _scores(Path(scratch), assembly, adapters)
    for note in (*assembly.notes, *(f"not screened against: {x}" for x in assembly.unscreened)):
        click.echo(plain(note), err=True)
    scores["contaminated"] = _contaminated(folder, assembly) if folder else {}
    if as_json:
        print_json(scores)
        return
    from selfspec_core.cli.tables import print_sets

    print_sets(scores)
    for name, hits in scores["contaminated"].items():
        shared = f"{hits} seeds or training examples share text with its items"
        click.echo(plain(f"{name}: {shared}; read with care"))


def _round_of(target: str) -> RoundFolder | None:
    """Returns the chosen round of a run, or None if there is no run of that name.

    Of a run that has not chosen yet, it is the last round.

    Raises:
        UsageError: if no round of it has begun.
    """
    try:
        path = find_run(target)
    except UsageError:
        if target == "latest":
            raise
        return None
    run = Run.open(path)
    numbers = run.round_numbers()
    if not numbers:
        raise UsageError(f"{path}: no round has begun yet; there is nothing to evaluate")
    chosen = run.manifest.get("chosen_round")
    number = chosen if chosen in numbers else numbers[-1]
    return RoundFolder(path / f"round-{number}", write=False)


def _scores(scratch: Path, assembly: Assembly, adapters: dict[str, Adapter]) -> dict[str, Any]:
    folder, parts, context = RoundFolder(scratch), assembly.parts, assembly.context
    developed = develop(folder, adapters, parts.sets[0], context)
    others = (parts.collateral, parts.baselines)
    return evaluate_systems(folder, adapters, parts.sets, developed, context, *others)


def _contaminated(folder: RoundFolder, assembly: Assembly) -> dict[str, int]:
    """Counts seeds and examples that share text with a set which the run was not screened for.

    That is one which it did not ask: a benchmark of now, another domain, items that have changed.
    """
    asked = Run.open(folder.path.parent).manifest["conditions"].get("items", {})
    trained_on, hits = _trained_on(folder, assembly), {}
    for one in assembly.parts.sets:
        if asked.get(one.name) == digest_rows(one.items):
            continue
        found = sum(not verdict.keep for verdict in _screen(one, trained_on))
        if found:
            hits[one.name] = found
    return hits


def _trained_on(folder: RoundFolder, assembly: Assembly) -> list[Seed | Example]:
    """Returns all that a round's tuned systems were tuned on, with that of rounds before."""
    run = Run.open(folder.path.parent)
    settings, number = settings_of(run), assembly.context.round
    rows: list[Seed | Example] = [*read_seeds(run.path), *examples_of(run.path, number, settings)]
    if settings.data.replay and settings.data.replay_from == "general":
        rows += assembly.general
    if PREFERRED in trained(folder):
        rows += sides(Pair.from_dict(row) for row in folder.read("pairs"))
    return rows


def _screen(one: EvaluationSet, rows: Sequence[Seed | Example]) -> list[Any]:
    fixed = {row.instruction for row in one.items}
    return Firewall(one.items, fixed).screen(rows)
