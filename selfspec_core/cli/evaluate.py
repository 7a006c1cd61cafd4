"""`selfspec evaluate`: measures a finished run, or any model, without training anything."""

from __future__ import annotations

import click


@click.command()
@click.argument("target", metavar="RUN|MODEL")
@click.option("--domain", metavar="NAME", help="Domain whose items to ask; default: the run's.")
@click.option(
    "--benchmark", multiple=True, metavar="FILE|hf:SET", help="Items to ask too; repeatable."
)
@click.option(
    "--baseline",
    multiple=True,
    metavar="MODEL",
    help="Ask this model the same items: a folder or an id; repeatable.",
)
@click.option("--shots", type=click.IntRange(0), help="Demonstrations of base@K.")
@click.option("--set", "set_flags", multiple=True, metavar="KEY=VALUE", help="One setting.")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def evaluate(
    target: str,
    domain: str | None,
    benchmark: tuple[str, ...],
    baseline: tuple[str, ...],
    shots: int | None,
    set_flags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Measure a run or a model on a domain's items and on benchmarks."""
    from selfspec_core.assembly.resolve import parse_flag
    from selfspec_core.cli.evaluating import measure

    flags = [parse_flag(flag) for flag in set_flags]
    if shots is not None:
        flags.append({"evaluation": {"shots": shots}})
    measure(target, domain, benchmark, tuple(flags), baseline, as_json=as_json)
