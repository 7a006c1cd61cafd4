"""`selfspec reproduce RUN`: the same settings again, compared byte by byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from selfspec_core.assembly.assemble import Assembly


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--name", help="Name of the new run folder under runs/.")
@click.option("--anyway", is_flag=True, help="Also where versions, model, seeds or items changed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def reproduce(run: str, name: str | None, anyway: bool, as_json: bool) -> int:
    """Run the same settings again and compare byte by byte.

    Where bytes differ, it says which first, how many answers are others, and by how much the
    scores differ, paired by item. Exit code 0 says that all bytes are the same, 1 that they are
    not. The same command with the name of the new run goes on with it, and compares again.
    """
    from selfspec_core.cli.naming import check_name
    from selfspec_core.cli.output import print_json
    from selfspec_core.reproducing import check_whole
    from selfspec_core.runs import RUNS, Run, find_run

    path = find_run(run)
    manifest = Run.open(path).manifest
    check_whole(path, manifest)
    _evaluated(path)  # damaged, it could not be compared afterwards: said before it is run again
    if name is not None:
        check_name(name)
    again = RUNS / (f"{path.name}-again" if name is None else name)
    changed = _repeat(path, manifest, again, anyway=anyway)
    result = {"run": str(path), "again": str(again), "changed": changed, **_compared(path, again)}
    if as_json:
        print_json(result)
    else:
        _print(result)
    return int(bool(result["differ"]))


def _repeat(
    path: Path, manifest: dict[str, Any], again: Path, *, anyway: bool
) -> list[dict[str, Any]]:
    """Takes the repetition to its end, wherever it is; returns the conditions that changed."""
    from dataclasses import asdict

    from selfspec_core.assembly.request import Request
    from selfspec_core.cli.session import go_on, repeat
    from selfspec_core.errors import UsageError
    from selfspec_core.provenance import differences
    from selfspec_core.reproducing import refusal
    from selfspec_core.runs import Run

    if (again / "manifest.json").exists():
        found = Run.open(again).manifest
        if found.get("reproduces") != str(path):
            raise UsageError(f"--name {again.name}: {again} is another run; choose another name")
        if found["state"] != "finished":
            go_on(again)
        changed = differences(manifest["conditions"], found["conditions"])
        return [{"key": key, "before": a, "now": b} for key, a, b in changed]
    changed = []

    def check(assembly: Assembly) -> None:
        from selfspec_core.provenance import conditions

        changed.extend(differences(manifest["conditions"], conditions(assembly)))
        if changed and not anyway:
            raise refusal(changed)
        for key, before, now in changed:
            click.echo(f"changed     {key}: {before!r} -> {now!r}", err=True)

    request = Request.from_dict(manifest["request"], path / "manifest.json")
    repeat(again, request, asdict(request), str(path), check)
    return [{"key": key, "before": a, "now": b} for key, a, b in changed]


def _compared(path: Path, again: Path) -> dict[str, Any]:
    """Returns the files compared and, where they differ, the answers and the paired scores."""
    from selfspec_core.measures.comparing import Group, compare
    from selfspec_core.measures.pooling import read_runs
    from selfspec_core.reproducing import answers_compared, files_compared

    result = files_compared(path, again)
    if not result["differ"]:
        return result
    if not all(_evaluated(run) for run in (path, again)):
        return result
    first, second = read_runs([path, again])
    result["answers"] = answers_compared(path, again, first.scores["round"])
    result["scores"] = compare([Group("before", [first]), Group("again", [second])])
    return result


def _evaluated(run: Path) -> bool:
    """Says whether there are scores to compare: a run without a model to tune has none.

    Raises:
        SelfspecError: naming the file of scores or answers that is damaged.
    """
    from selfspec_core.journals import RoundFolder
    from selfspec_core.manifest import read_scores
    from selfspec_core.runs import Run

    folder = run / f"round-{Run.open(run).manifest.get('chosen_round')}"
    if read_scores(folder) is None:
        return False
    for _ in RoundFolder(folder, write=False).read("predictions"):
        pass
    return True


def _print(result: dict[str, Any]) -> None:
    from selfspec_core.cli.output import cell, console

    out = console()
    head = f"{result['again']} beside {result['run']}"
    if not result["differ"]:
        out.print(cell(f"{head}: reproduced, {result['files']} files with the same bytes", "green"))
        return
    out.print(cell(f"{head}: {result['same']} of {result['files']} files have the same bytes"))
    first = dict(result["first"])
    out.print(cell(f"first to differ: {first.pop('file')}: {_said(first)}", "yellow"))
    if (answers := result.get("answers")) is None:
        return
    if not answers["other"]:
        out.print(cell(f"all {answers['answers']} answers to items are the same"))
        return
    out.print(cell(f"other answers to items: {answers['other']} of {answers['answers']}"))
    from selfspec_core.cli.compare_tables import print_comparison

    print_comparison(result["scores"], out)


def _said(first: dict[str, Any]) -> str:
    """Returns where two files depart, in words."""
    if "missing" in first:
        return f"is there only {'again' if first['missing'] == 'before' else 'before'}"
    if "bytes" in first:
        return "{} bytes before, {} again".format(*first["bytes"])
    if "lines" in first:
        return "{} lines before, {} again".format(*first["lines"])
    pair = " before, ".join(repr(first[key])[:60] for key in ("before", "again"))
    if not first["field"]:
        return f"line {first['line']}: {pair} again"
    return f"line {first['line']}, field '{first['field']}': {pair} again"
