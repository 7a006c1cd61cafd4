"""What `compose` does: from runs that were named to scores of what they make together."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import click

from selfspec_core.cli.naming import check_name
from selfspec_core.cli.output import plain
from selfspec_core.cli.progress import make_progress
from selfspec_core.cli.stop import interrupted
from selfspec_core.composing.cards import write_card
from selfspec_core.composing.folder import Composition
from selfspec_core.composing.make import compose
from selfspec_core.composing.members import assembled, ingredients, open_specialists
from selfspec_core.errors import UsageError
from selfspec_core.runs import RUNS


def start(
    given: Sequence[str], name: str | None, flags: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Composes runs, or goes on where that stopped; returns what scores.json says.

    Raises:
        UsageError: if they cannot be composed; nothing is left behind then.
    """
    specialists = open_specialists(given, flags)
    called = "+".join(one.name for one in specialists) if name is None else name
    check_name(called)
    for one in specialists:
        one.model().check()
    path, of = RUNS / called, ingredients(specialists, flags)
    folders = [str(one.run.resolve()) for one in specialists]
    with closing(Composition.begin(path, of, folders)) as to:
        click.echo(plain(f"composition {path}"), err=True)
        if not to.finished:
            try:
                with make_progress() as progress:
                    members = assembled(specialists, progress)
                    to.hold_to({one.name: one.conditions() for one in members})
                    scores = compose(path, members)
            except UsageError:
                to.discard_unused()
                raise
            except KeyboardInterrupt as stop:
                raise interrupted(stop, "nothing is lost: the same command goes on") from None
            write_card(path, scores)
            to.about.state = "finished"
            to.save()
        found: dict[str, Any] = json.loads((path / "scores.json").read_text(encoding="utf-8"))
    return found
