"""What `run` and `resume` share: a run from its request to its result table."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import click

from selfspec_core.assembly.assemble import Assembly, assemble
from selfspec_core.assembly.opponents import reach_baselines
from selfspec_core.assembly.request import Request
from selfspec_core.cli.clock import seconds_since_start
from selfspec_core.cli.naming import called, check_name
from selfspec_core.cli.output import plain
from selfspec_core.cli.progress import make_progress
from selfspec_core.cli.stop import interrupted
from selfspec_core.errors import UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.knowledge import check_paths, take_in
from selfspec_core.manifest import new_manifest
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Progress
from selfspec_core.provenance import check_same
from selfspec_core.report.keep import keep_results, keep_seeds
from selfspec_core.runs import RUNS, Run
from selfspec_core.sources import domain_clashes
from selfspec_core.stages.collect import KEPT
from selfspec_core.stopwatch import IMPORTS, Stopwatch
from selfspec_core.sweeps.points import sweep_of


def start(name: str, request: Request, as_asked: dict[str, Any]) -> None:
    """Begins a new run and takes it to its end.

    Raises:
        UsageError: for bad input, before anything is written.
    """
    check_name(name)
    _show(_begin(RUNS / name, request, as_asked, {}, lambda assembly: None, draws=True))


def repeat(
    path: Path,
    request: Request,
    as_asked: dict[str, Any],
    of: str,
    check: Callable[[Assembly], None],
) -> None:
    """Runs what another run was asked, in a new folder; its manifest says of which.

    Args:
        check: raises if the conditions are not such that it should be run.
    """
    _begin(path, request, as_asked, {"reproduces": of}, check, draws=False)


def _begin(
    path: Path,
    request: Request,
    as_asked: dict[str, Any],
    notes: dict[str, Any],
    check: Callable[[Assembly], None],
    *,
    draws: bool,
) -> Run:
    check_paths(request.knowledge)
    with make_progress() as progress:
        assembly = _assembled(request, progress)
        check(assembly)
        if (tuned := assembly.parts.training_model) is not None:
            tuned.reach()  # now rather than after hours
        reach_baselines(assembly.parts.baselines)
        with closing(Run.create(path, new_manifest(assembly, as_asked) | notes)) as run:
            _say_plan(run, assembly)
            try:
                _finish(run, assembly)
                if draws:
                    _draw_timed(run, assembly)
            except UsageError:  # found only when the model was loaded: nothing has been done yet
                run.discard_unused()
                raise
    return run


def go_on(path: Path, executor: dict[str, Any] | None = None) -> None:
    """Takes an interrupted run to its end; a finished one says so.

    Args:
        executor: settings `executor.*` for this time, over those that it began with.

    Raises:
        SelfspecError: if the run is in use, or its conditions changed.
    """
    with closing(Run.open(path, write=True)) as run:
        if run.manifest["state"] == "finished":
            shown = f"{run.path} is finished; `selfspec show {called(run.path)}` shows it"
            click.echo(plain(shown), err=True)
            if not (run.path / "report.html").exists():  # killed between its end and its report
                _draw(run)
                _say_report(run)
            return
        if sweep := sweep_of(path):
            again = f"`selfspec resume {called(sweep)}` goes on with both"
            raise UsageError(f"{path}: is a point of a sweep; {again}")
        with make_progress() as progress:
            asked = Request.from_dict(run.manifest["request"], path / "manifest.json")
            if executor:
                asked = replace(asked, set=(*asked.set, {"executor": executor}))
            assembly = _assembled(asked, progress)
            check_same(run.manifest, assembly)
            click.echo(plain(f"going on in {run.path}"), err=True)
            _finish(run, assembly)
            _draw_timed(run, assembly)
    _show(run)


def _assembled(request: Request, progress: Progress) -> Assembly:
    imported = seconds_since_start()
    assembly = assemble(request, progress)
    assembly.context.model.spread(assembly.settings.executor, progress)
    watch = assembly.context.watch
    watch.add(IMPORTS, imported)
    watch.add("prepare", seconds_since_start() - imported)
    return assembly


def _finish(run: Run, assembly: Assembly) -> None:
    with _interruptible(run):
        carry_out(run, assembly, seconds_since_start)


def carry_out(run: Run, assembly: Assembly, clock: Callable[[], float]) -> None:
    """Does what a run has left to do, and notes in its manifest how it ended.

    Args:
        clock: seconds since the work on the run began.
    """
    before, context, parts = float(run.manifest["seconds"]), assembly.context, assembly.parts
    context.watch.observe(*assembly.models, parts.trainer, parts.preferrer)
    try:
        for model in assembly.models:
            model.keep_in(run.path)
        if assembly.knowledge and context.retriever:
            folder = run.path / "knowledge"
            with context.timed("prepare"):
                take_in(context.retriever, assembly.knowledge, folder, context.progress)
        keep_seeds(run.path, context.seeds)
        chosen = run_rounds(run, parts, context)
        with context.timed("report"):
            keep_results(run, parts.sets, context)
        run.manifest.update(state="finished", chosen_round=chosen)
        _note_shortfall(run, chosen, assembly.settings.data.size)
    finally:
        _note_models(run)
        _note_time(run, context.watch, before + clock())


def _note_models(run: Run) -> None:
    """Adds to the manifest what each model that was loaded said of itself: revision, sizes."""
    for number in run.round_numbers():
        for commit in RoundFolder(run.path / f"round-{number}", write=False).commits:
            if commit["stage"] == "load":
                run.manifest.setdefault("models", {})[commit["model"]] = commit["is"]


def _note_time(run: Run, watch: Stopwatch, seconds: float) -> None:
    """Adds what was timed since to the manifest: a run that was resumed counts all its parts."""
    for key, found in (("timings", watch.seconds), ("in_model_calls", watch.in_calls)):
        noted = run.manifest[key]
        for step, more in found.items():
            noted[step] = round(noted.get(step, 0.0) + more, 2)
        found.clear()
    run.manifest["seconds"] = round(seconds, 1)
    run.save_manifest()


def _note_shortfall(run: Run, chosen: int, wanted: int) -> None:
    """Notes when fewer examples came together than were asked for, in the chosen round."""
    folder = run.round(chosen)
    got = folder.count("examples")
    if got < wanted:
        kept = folder.done(KEPT) > 0
        ended = "the kept instructions" if kept else "the proposals"
        why = f"{ended} ended first{'' if kept else ' (propose.limit)'}; see what was rejected"
        run.manifest["notes"].append(f"{got} of {wanted} examples: {why}")


@contextmanager
def _interruptible(run: Run) -> Iterator[None]:
    """Turns Ctrl-C and its like into one line that says how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        again = f"nothing is lost: `selfspec resume {quote(run.path.name)}` goes on"
        raise interrupted(stop, again) from None


def _say_plan(run: Run, assembly: Assembly) -> None:
    """Prints where the run lies and what it will do, on stderr."""
    settings, context = assembly.settings, assembly.context
    tasks = len({seed.task for seed in context.seeds})
    left_out = len(assembly.seeds) - len(context.seeds)
    of_all = f" of {len(assembly.seeds)}" if left_out else ""
    items = sum(len(one.items) for one in assembly.parts.sets)
    plan = (
        f"{len(context.seeds)}{of_all} seeds over {tasks} tasks -> {settings.data.size} examples"
        f" -> {settings.training.epochs:g} epochs of LoRA r {settings.training.r} -> {items} items"
    )
    lines = [
        f"run folder  {run.path}",
        f"model       {settings.model.path or settings.model.name}",
        f"plan        {plan}",
    ]
    lines += [f"note        {note}" for note in assembly.notes]
    lines += [f"left out: {plugin}" for plugin in assembly.failed]
    lines += [f"not screened against: {domain}" for domain in assembly.unscreened]
    lines += domain_clashes()
    for line in lines:
        click.echo(plain(line), err=True)


def _show(run: Run) -> None:
    from selfspec_core.cli.show import render

    sys.stderr.flush()
    render(run.path)
    sys.stdout.flush()
    name = called(run.path)
    talk = f'selfspec ask {name} "…"   or   selfspec chat {name}   talks to it'
    click.echo(f"\n{plain(talk)}", err=True)
    _say_report(run)


def _say_report(run: Run) -> None:
    if (page := run.path / "report.html").exists():
        click.echo(plain(f"report      {page}"), err=True)


def _draw_timed(run: Run, assembly: Assembly) -> None:
    """Draws, and notes in the manifest how long it took."""
    watch, before = assembly.context.watch, float(run.manifest["seconds"])
    begun = time.perf_counter()
    with watch.timed("report"):
        _draw(run)
    _note_time(run, watch, before + time.perf_counter() - begun)


def _draw(run: Run) -> None:
    """Writes report.html; whatever keeps it from being drawn is one line and fails nothing."""
    from selfspec_core.cli.show import summarize
    from selfspec_core.report.page import write_report

    try:
        write_report(run.path, summarize(run.path))
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        again = f"`selfspec report {quote(run.path.name)}` tries again"
        click.echo(plain(f"no report: {why}; {again}"), err=True)
