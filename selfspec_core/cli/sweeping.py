"""A sweep from its plan to its table: each point in turn, in one process, on one resident model."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from shlex import quote
from typing import Any

import click

from selfspec_core.assembly.assemble import Assembly, assemble, load_host
from selfspec_core.cli.naming import check_name
from selfspec_core.cli.output import plain
from selfspec_core.cli.progress import duration, make_progress
from selfspec_core.cli.session import carry_out
from selfspec_core.cli.stop import interrupted
from selfspec_core.cli.sweep_tables import show_sweep
from selfspec_core.components import Model
from selfspec_core.errors import Interrupted, SelfspecError, UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.knowledge import check_paths
from selfspec_core.manifest import new_manifest
from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Progress, Silent
from selfspec_core.provenance import check_same
from selfspec_core.runs import RUNS, Run
from selfspec_core.sweeps.points import EACH, LEFT_OUT, Point, Sweep, SweepFolder, nested_part
from selfspec_core.sweeps.results import finished
from selfspec_core.sweeps.sharing import Store, share_answers, share_training


def start(name: str, sweep: Sweep, *, as_json: bool) -> None:
    """Begins a new sweep and takes it to its end.

    Raises:
        UsageError: for bad input, before anything is written.
    """
    check_name(name)
    check_paths(sweep.request.knowledge)
    host = load_host(sweep.request.domain)
    sweep, first = _checked(sweep, host)
    about = {
        "domain": first.context.domain,
        "model": first.settings.model.name,
        "notes": list(first.notes),
        "failed": {},
    }
    with closing(SweepFolder.create(RUNS / name, sweep, about)) as folder:
        _go(folder, host, as_json=as_json)


def go_on(path: Path) -> None:
    """Takes an interrupted sweep to its end; of a finished one the table is shown again."""
    with closing(SweepFolder.open(path)) as folder:
        folder.check_trust()
        folder.acquire()
        _go(folder, load_host(folder.sweep.request.domain), as_json=False)


def _checked(sweep: Sweep, host: PluginHost) -> tuple[Sweep, Assembly]:
    """Returns the sweep with its values settled, each of them tried, and what the first needs."""
    if sweep.over == "random_seed" and sweep.draws > 1:
        raise UsageError("--draws: the values of random_seed are draws already")
    if sweep.independent and sweep.over != "data.size":
        raise UsageError(f"--independent: goes with --over data.size, not {sweep.over}")
    if sweep.over == LEFT_OUT and sweep.values == (EACH,):
        sweep = replace(sweep, values=_each(sweep, host))
    first: Assembly | None = None
    for point in (one for one in sweep.points() if one.draw == 0):
        try:
            tried = assemble(sweep.request_of(point), Silent(), host)
        except UsageError as error:
            raise UsageError(_blamed(str(error), sweep, point)) from None
        first = first or tried
    assert first is not None
    settings = first.settings
    if settings.rounds.max > 1:  # a later round goes by the specialist of the one before
        sweep = replace(sweep, independent=True)
    drawn = settings.seeds.draw if sweep.drawn == "seeds.draw" else settings.random_seed
    return replace(sweep, first=drawn), first


def _each(sweep: Sweep, host: PluginHost) -> tuple[str, ...]:
    """Returns the tasks that have both seeds and test items."""
    whole = assemble(sweep.request, Silent(), host)
    tests = [one.split("test") for one in whole.parts.sets]
    asked = {item.task for item in next(filter(None, tests), [])}
    tasks = tuple(dict.fromkeys(seed.task for seed in whole.context.seeds))
    if not any(task in asked for task in tasks):
        raise UsageError(f"--over {LEFT_OUT}={EACH}: no task of the seeds has test items")
    return tuple(task for task in tasks if task in asked)


def _blamed(message: str, sweep: Sweep, point: Point) -> str:
    """Names the flag that a wrong value came from."""
    wrong, _, _ = message.partition("; did you mean")
    flag = f"--over {sweep.over}={point.label}"
    return f"{flag}: {message.removeprefix('--set: ')}" if sweep.over in wrong else message


def _go(folder: SweepFolder, host: PluginHost, *, as_json: bool) -> None:
    points = folder.sweep.order()
    click.echo(f"sweep       {folder.path}: {len(points)} runs", err=True)
    for note in folder.about["notes"]:
        click.echo(f"note        {plain(note)}", err=True)
    resident = Resident(Store(folder.path / "shared"))
    failed: dict[str, str] = {}
    try:
        for number, point in enumerate(points, 1):
            if finished(folder, point):
                continue
            click.echo(f"\n{point.name}  ({number} of {len(points)})", err=True)
            if problem := _run(folder, point, host, resident):
                failed[point.name] = problem
                click.echo(plain(f"{point.name}: {problem}"), err=True)
    except KeyboardInterrupt as stop:
        again = f"nothing is lost: `selfspec resume {quote(folder.path.name)}` goes on"
        raise interrupted(stop, again) from None
    folder.about["failed"] = failed
    folder.save()
    draw(show_sweep(folder, as_json=as_json), folder.path / "sweep.svg")
    if failed:
        name = quote(folder.path.name)
        raise SelfspecError(
            f"{len(failed)} of {len(points)} runs failed; `selfspec resume {name}` tries again"
        )


def _run(folder: SweepFolder, point: Point, host: PluginHost, resident: Resident) -> str:
    """Takes one point to its end; returns what made it fail, if anything did."""
    path, request = folder.of(point), folder.sweep.request_of(point)
    begun, clock = (path / "manifest.json").exists(), _clock()
    with make_progress() as progress:
        assembly = assemble(request, progress, host)
        if not begun:
            shutil.rmtree(path, ignore_errors=True)  # a kill may have left a folder without one
            run = Run.create(path, new_manifest(assembly, asdict(request)))
        else:
            run = Run.open(path, write=True)
        with closing(run):
            if begun:
                check_same(run.manifest, assembly)
            _take_part(folder, point, run, progress)
            resident.serve(assembly)
            try:
                assembly.context.model.spread(assembly.settings.executor, progress)
                carry_out(run, assembly, clock)
            except Interrupted:
                raise
            except SelfspecError as error:
                if isinstance(error, UsageError):  # found when the model was loaded
                    run.discard_unused()
                return str(error).splitlines()[0]
    click.echo(f"{point.name}: done, {duration(clock())}", err=True)
    return ""


def _take_part(folder: SweepFolder, point: Point, run: Run, progress: Progress) -> None:
    """Fills the examples of a point with a part of those of the largest size, where it may be."""
    donor, first = folder.sweep.donor(point), run.round(1)
    if donor is None or first.commits or not finished(folder, donor):
        return
    whole = RoundFolder(folder.of(donor) / "round-1", write=False)
    examples, size = list(whole.read("examples")), int(point.value)
    if len(examples) < size:
        progress.say(f"{donor.name} has only {len(examples)} examples: collecting anew")
        return
    part = nested_part(examples, size)
    ids = {row["id"] for row in part}
    instructions = [row for row in whole.read("instructions") if row["id"] in ids]
    note = f"its {size} examples are a part of the {len(examples)} of {donor.name}"
    if "shared" not in run.manifest:  # else a kill came before the commit
        run.manifest["shared"] = {"examples": size, "of": donor.name}
        run.manifest["notes"].append(f"{note}, tasks in proportion")
        run.save_manifest()
    first.commit("share", 0, {"instructions": instructions, "examples": part}, of=len(examples))
    progress.say(note)


class Resident:
    """The models that are in memory, and what they have said: both serve every point."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._models: list[Model] = []

    def serve(self, assembly: Assembly) -> None:
        """Gives a point the model that is loaded, if it is the same, and all that is known."""
        context, parts, before = assembly.context, assembly.parts, self._models
        context.model = model = self._same(context.model, before)
        self._models = [model]  # another one is let go before the next is loaded
        if parts.training_model is not None:
            tuned = self._same(parts.training_model, before)
            assembly.parts = replace(parts, training_model=tuned)
            self._models.append(tuned)
        share_training(parts.trainer, self.store)

    def _same(self, model: Model, before: Sequence[Model]) -> Model:
        """Returns the model of the point before, if it is the same; else this one, sharing."""
        for known in before:
            if type(known) is type(model) and known.settings == model.settings:
                known.decisions.clear()
                return known
        share_answers(model, self.store)
        return model


def draw(summary: dict[str, Any], file: Path) -> None:
    """Draws the plot, if there is something to draw and something to draw with."""
    from selfspec_core.sweeps.figure import draw_sweep

    if not any(row.get("systems") for row in summary["values"]):
        return
    try:
        draw_sweep(summary, file)
    except ImportError:
        click.echo(
            "no plot: matplotlib is not installed (`pip install 'selfspec[local]'`)", err=True
        )
        return
    click.echo(f"plot        {file}", err=True)


def _clock() -> Callable[[], float]:
    began = time.monotonic()
    return lambda: time.monotonic() - began
