"""`selfspec show RUN`: what a run kept, rejected, scored and gained, finished or not."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any

import click

from selfspec_core.cli.output import print_json
from selfspec_core.journals import RoundFolder
from selfspec_core.locks import in_use
from selfspec_core.manifest import as_written, read_scores
from selfspec_core.runs import RUNS, Run, find_run
from selfspec_core.stages.summary import funnel
from selfspec_core.stopwatch import totals
from selfspec_core.sweeps.points import SweepFolder, find_sweep


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(run: str, as_json: bool) -> None:
    """Show what a run kept, rejected, scored and gained."""
    if (folder := find_sweep(run)) is not None:
        from selfspec_core.cli.sweep_tables import show_sweep

        show_sweep(SweepFolder.open(folder), as_json=as_json)
        return
    path = find_run(run)
    if as_json:
        print_json(summarize(path))
    else:
        render(path)


def render(path: Path) -> None:
    """Prints the tables of a run on stdout."""
    from selfspec_core.cli.output import console
    from selfspec_core.cli.tables import print_run

    with as_written(path):
        print_run(summarize(path), console())


def summarize(path: Path) -> dict[str, Any]:
    """Returns all there is to show of a run, in the shape of `selfspec show --json`.

    Only reads: the run may be going on in another process.

    Raises:
        UsageError: if the folder holds no run, or a file of it cannot be read.
    """
    held = in_use(path)  # asked first: a run that lets go after this has written how it ended
    run = Run.open(path)
    manifest, domain = run.manifest, run.manifest["domain"]
    state, notes = manifest["state"], manifest["notes"]
    if state == "running" and not held:
        name = quote(path.name if path.parent == RUNS else str(path))
        state = "interrupted"
        notes = [*notes, f"interrupted; nothing is lost: `selfspec resume {name}` goes on"]
    with as_written(path):
        rounds = [_round(path / f"round-{nr}", nr, domain) for nr in run.round_numbers()]
    return {
        "run": str(path),
        "domain": domain,
        "model": manifest["model"],
        "state": state,
        "created": manifest["created"],
        "seconds": manifest["seconds"],
        "chosen_round": manifest.get("chosen_round"),
        "stopped": manifest.get("stopped"),
        "timings": manifest["timings"],
        "time": totals(manifest["timings"], manifest["in_model_calls"], manifest["seconds"]),
        "not_screened_against": manifest["not_screened_against"],
        "notes": notes,
        "rounds": rounds,
    }


def _round(folder: Path, number: int, domain: str | None) -> dict[str, Any]:
    """Returns a round's scores, or what it has counted so far."""
    scores = read_scores(folder)
    if scores is None:
        counts = funnel(RoundFolder(folder, write=False))
        return {"round": number, "evaluated": False, **counts, "systems": {}, "gains": {}}
    sets = dict(scores.pop("sets"))
    own = sets.pop(domain, None) or {"systems": {}, "gains": {}}
    return {**scores, "round": number, "evaluated": True, **own, "benchmarks": sets}
