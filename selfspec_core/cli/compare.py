"""`selfspec compare RUN RUN…`: runs beside each other, paired by item."""

from __future__ import annotations

from string import ascii_uppercase
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("runs", metavar="RUN[,RUN…] RUN[,RUN…]…", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare(runs: tuple[str, ...], as_json: bool) -> None:
    """Compare runs, paired by item, on the items they share.

    Every run is compared with the first. Runs joined by commas are draws of the same and are taken
    as one: `selfspec compare a-0,a-1,a-2 b-0,b-1,b-2`.
    """
    from selfspec_core.cli.output import console, print_json

    result = compared(runs)
    if as_json:
        print_json(result)
    else:
        from selfspec_core.cli.compare_tables import print_comparison

        print_comparison(result, console())


def compared(given: Sequence[str]) -> dict[str, Any]:
    """Returns the comparison of runs as they are named on the command line.

    Raises:
        UsageError: naming the run that is not there or cannot be compared.
    """
    from selfspec_core.errors import UsageError
    from selfspec_core.measures.comparing import Group, check_group
    from selfspec_core.measures.comparing import compare as compare_groups
    from selfspec_core.measures.pooling import read_runs
    from selfspec_core.runs import find_run

    if not 2 <= len(given) <= len(ascii_uppercase):
        raise UsageError(
            f"compare: {len(given)} runs given, expected 2 to {len(ascii_uppercase)}: "
            "selfspec compare RUN RUN"
        )
    names = [[name for name in words.split(",") if name] for words in given]
    if not all(names):
        raise UsageError("compare: an empty name is given for a run")
    paths = [find_run(name) for group in names for name in group]
    if again := next((path for path in paths if paths.count(path) > 1), None):
        raise UsageError(f"{again}: is given twice")
    answers = iter(read_runs(paths))
    groups = []
    for letter, words, group in zip(ascii_uppercase, given, names, strict=False):
        runs = [next(answers) for _ in group]
        check_group(runs, words)
        groups.append(Group(letter, runs))
    return compare_groups(groups)
