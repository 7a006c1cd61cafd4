"""`selfspec export RUN --to FORMAT`: takes the specialist to other programs."""

from __future__ import annotations

from pathlib import Path

import click

from selfspec_core.errors import UsageError


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--to", "to", metavar="FORMAT", help="adapter, merged, gguf, ollama, …")
@click.option("--out", metavar="FOLDER", help="Where to; default: export/FORMAT in the run.")
@click.option(
    "--quantize",
    metavar="PRECISION",
    help="gguf, ollama: f16, q8_0, f32; merged: f32, bf16, f16. Default: the first.",
)
@click.option("--push", "repo", metavar="REPO", help="Upload it to this model repository, too.")
def export(
    run: str, to: str | None, out: str | None, quantize: str | None, repo: str | None
) -> None:
    """Write the specialist for other programs, and prove that it is the same.

    Golden prompts are replayed through what was written and through the trained model: exit code
    1 if they disagree, and nothing is left behind.
    """
    from selfspec_core.cli.output import plain
    from selfspec_core.cli.progress import make_progress
    from selfspec_core.cli.stop import interrupted
    from selfspec_core.interchange import exporting
    from selfspec_core.specialists import open_specialist

    specialist = open_specialist(run)
    if to is None:
        known = sorted(cls.name for _, cls in specialist.host.offered("exporters"))
        raise UsageError(f"--to: name a format: {', '.join(known)}")
    exporter = specialist.host.build("exporters", to)
    precision = exporting.chosen_precision(exporter, quantize)
    if repo:
        exporting.check_push(repo)
    place = Path(out) if out else exporting.place_of(specialist, exporter, precision)
    try:
        with make_progress() as progress:
            report = exporting.export(specialist, exporter, place, precision, progress)
    except KeyboardInterrupt as stop:
        raise interrupted(stop, "nothing was left behind") from None
    click.echo(plain(place))
    for note in (report.get("said"), *report.get("notes", ())):
        if note:
            click.echo(plain(note))
    if repo:
        click.echo(plain(exporting.push(place, repo)))
