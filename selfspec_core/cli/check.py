"""`selfspec check NAME|PATH`: every rule that a domain package must pass, each with its verdict."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.text import Text

from selfspec_core.checks import RULES, Outcome, Package, Rule, opened
from selfspec_core.checks import check as run_rules
from selfspec_core.cli.output import cell, console, plain, print_json

_STYLES = {"pass": "green", "fail": "bold red", "skipped": "yellow"}


@click.command()
@click.argument("package", metavar="NAME|PATH")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(package: str, as_json: bool) -> None:
    """Run every rule that a domain package must pass.

    NAME is an installed domain, PATH the folder of a package, installed or not. The exit code is 1
    if a rule fails.
    """
    with opened(package) as found:
        if not as_json:
            _print_head(found)
        outcomes = []
        for rule, outcome in run_rules(found):
            outcomes.append((rule, outcome))
            if not as_json:
                _print(rule, outcome)
    if as_json:
        print_json(_as_json(found, outcomes))
    else:
        _print_sum(outcomes)
    if any(outcome.verdict == "fail" for _, outcome in outcomes):
        raise SystemExit(1)


def _as_json(package: Package, outcomes: list[tuple[Rule, Outcome]]) -> dict[str, object]:
    return {
        "name": package.name,
        "dist": package.dist,
        "version": package.version,
        "passed": all(outcome.verdict != "fail" for _, outcome in outcomes),
        "rules": [{"rule": r.name, "about": r.about, **asdict(o)} for r, o in outcomes],
    }


def _print_head(package: Package) -> None:
    about = f"{package.name}: {package.dist} {package.version}, {len(RULES)} rules"
    console().print(cell(about, "bold"))


def _print(rule: Rule, outcome: Outcome) -> None:
    line = Text(f"  {outcome.verdict:<8}", style=_STYLES[outcome.verdict])
    line.append(f"{rule.name:<14}", style="bold")
    line.append(f"{rule.about}: {plain(outcome.detail)}", style="default")
    out = console()
    out.print(line, soft_wrap=True)
    if outcome.advice:
        out.print(cell(f"{'':24}{outcome.advice}", "dim"), soft_wrap=True)


def _print_sum(outcomes: list[tuple[Rule, Outcome]]) -> None:
    verdicts = [outcome.verdict for _, outcome in outcomes]
    words = {"pass": "passed", "fail": "failed", "skipped": "skipped"}
    counts = [f"{verdicts.count(verdict)} {word}" for verdict, word in words.items()]  # type: ignore[arg-type]
    console().print(", ".join(counts))
