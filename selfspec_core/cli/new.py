"""`selfspec new NAME`: a domain package to start from."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click


@click.command()
@click.argument("name")
@click.option(
    "--into", default=".", show_default=True, metavar="DIR", help="Folder to write the package in."
)
def new(name: str, into: str) -> None:
    """Write a domain package to start from.

    It is called selfspec-NAME, installs with pip and passes `selfspec check` at once.
    """
    from selfspec_core.scaffold import write_package

    folder = write_package(name, Path(into))
    shown = str(folder) if folder.is_absolute() else f"./{folder}"
    click.echo(f"{folder} is an example to be filled with seeds, items and passages of your own.")
    click.echo("Next:")
    for command in (
        f"pip install -e {quote(shown)}",
        f"selfspec check {name}",
        f"selfspec run --domain {name} --set model.name=scripted",
    ):
        click.echo(f"  {command}")
    click.echo("With a model, not the script:")
    click.echo(f"  pip install -e {quote(f'{shown}[local]')} && selfspec run --domain {name}")
