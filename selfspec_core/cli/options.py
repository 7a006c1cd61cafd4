"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_REQUEST = (
    click.option("--domain", metavar="NAME", help="Domain to specialize in."),
    click.option("--model", metavar="ID|PATH", help="Base model: nano, a local folder, a hub id."),
    click.option(
        "--recipe",
        default="quick",
        show_default=True,
        metavar="quick|full|FILE",
        help="Settings; a FILE (`selfspec settings` writes one) takes the place of the recipe.",
    ),
    click.option(
        "--set", "set_flags", multiple=True, metavar="KEY=VALUE", help="One setting; repeatable."
    ),
    click.option("--seeds", metavar="FILE", help="Seeds of your own, JSONL; needs no package."),
    click.option(
        "--benchmark",
        multiple=True,
        metavar="FILE|hf:SET",
        help="Measure on these items too, or on a mapped set of the hub; repeatable.",
    ),
)


def request_options(command: F) -> F:
    """Adds the options that say what a run is about."""
    for option in reversed(_REQUEST):
        command = option(command)
    return command
