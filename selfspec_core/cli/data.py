"""`selfspec data`: a run's training data, or a domain's tasks, in other tools' formats."""

from __future__ import annotations

from pathlib import Path

import click

LM_EVAL = "lm-eval"
_FORMATS = ("alpaca", "sharegpt", "messages", "parquet", LM_EVAL)


@click.command()
@click.argument("target", metavar="RUN|DOMAIN")
@click.option(
    "--format",
    "name",
    required=True,
    type=click.Choice(_FORMATS),
    help="Of the accepted examples; lm-eval: the tasks to measure on, of a run or a domain.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
@click.option("--with-seeds", is_flag=True, help="The seeds too, before the examples.")
def data(target: str, name: str, out: Path, with_seeds: bool) -> None:
    """Write a run's examples, or a domain's tasks, for other tools."""
    from selfspec_core.errors import UsageError

    here = not out.name  # an empty folder gives its place, and a working folder should stay
    if out.exists() and (here or not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"--out {out}: exists already; name a new folder")
    if name == LM_EVAL:
        if with_seeds:
            raise UsageError("--with-seeds: lm-eval is given tasks, which have no seeds")
        _write_tasks(target, out)
    else:
        _write_examples(target, name, out, with_seeds)


def _write_examples(target: str, name: str, out: Path, with_seeds: bool) -> None:
    from selfspec_core.cli.output import plain
    from selfspec_core.files import filling
    from selfspec_core.interchange.data_card import write_card
    from selfspec_core.interchange.formats import read_export, write_rows
    from selfspec_core.interchange.trainer_configs import write_configs
    from selfspec_core.runs import find_run

    export = read_export(find_run(target), with_seeds=with_seeds)
    with filling(out) as folder:
        write_rows(export, name, folder)
        write_configs(export, name, folder)
        write_card(export, name, folder)
    if export.left_out:
        click.echo(f"{export.left_out} rows left out: the firewall found test text", err=True)
    click.echo(plain(f"{len(export.rows)} rows in {out}, beside llamafactory.yaml, axolotl.yaml"))


def _write_tasks(target: str, out: Path) -> None:
    from selfspec_core.cli.output import plain
    from selfspec_core.files import filling
    from selfspec_core.interchange.lm_eval_tasks import tasks_of, write_tasks

    tasks = tasks_of(target)
    with filling(out) as folder:
        names = write_tasks(tasks, folder)
    click.echo(
        plain(f"{len(names)} tasks in {out}: lm_eval --include_path {out} --tasks {tasks.group}")
    )
