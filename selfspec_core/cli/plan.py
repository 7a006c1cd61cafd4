"""`selfspec plan`: what a run would take, before it is begun."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from selfspec_core.cli.options import loop_options, make_request, request_options
from selfspec_core.errors import UsageError

if TYPE_CHECKING:
    from selfspec_core.assembly.assemble import Assembly
    from selfspec_core.assembly.request import Request
    from selfspec_core.components import Context
    from selfspec_core.pipeline import Parts
    from selfspec_core.planning.work import Acceptance, Costs, Estimate, Work


def parameters_of(text: str) -> float:
    """Reads a number of parameters as people write it: 1.7B, 135M, 7e9."""
    factor = {"M": 1e6, "B": 1e9}.get(text[-1:].upper(), 1.0)
    try:
        number = float(text.upper().rstrip("MB")) * factor
    except ValueError:
        number = 0.0
    if not 1 <= number < float("inf"):
        raise click.BadParameter(f"{text!r}: expected a number such as 7B, 135M or 7e9")
    return number


@click.command()
@request_options
@loop_options
@click.option("--like", metavar="RUN", help="Filters will keep as much as they did in this run.")
@click.option(
    "--acceptance",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of proposals, and of answers, that filters will keep.",
)
@click.option(
    "--seconds",
    default=30.0,
    show_default=True,
    type=click.FloatRange(1),
    help="What the calibration may take, more or less.",
)
@click.option("--hardware", metavar="GPU", help="On paper, for this GPU; nothing is measured.")
@click.option("--parameters", type=parameters_of, help="With --hardware: of the model, as in 7B.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def plan(
    like: str | None,
    acceptance: float | None,
    seconds: float,
    hardware: str | None,
    parameters: float | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Say what a run would take in time, memory and disk, from a short calibration."""
    if (hardware is None) != (parameters is None):
        raise UsageError("--hardware and --parameters go together")
    if like and acceptance:
        raise UsageError("--like, --acceptance: give one of them")
    found = _plan(make_request(**asked), like, acceptance, seconds, hardware, parameters)
    if as_json:
        from selfspec_core.cli.output import print_json

        print_json(found)
    else:
        _print(found)


def _plan(
    request: Request,
    like: str | None,
    acceptance: float | None,
    seconds: float,
    hardware: str | None,
    parameters: float | None,
) -> dict[str, Any]:
    from selfspec_core.assembly.assemble import assemble
    from selfspec_core.planning import work as planning
    from selfspec_core.planning.paper import hardware as figures_of
    from selfspec_core.progress import Silent

    if hardware:
        figures_of(hardware)  # a wrong name is said before anything is read
    assembly = assemble(request, Silent())
    known = planning.Acceptance(acceptance, acceptance) if acceptance else None
    if like:
        known = _acceptance_of(like)
    if hardware and parameters:
        found = _on_paper(assembly, known, hardware, parameters)
    else:
        found = _measured(assembly, known, seconds)
    notes = found.notes + _left_out(assembly.context, assembly.parts, found.work)
    estimate = planning.estimate(found.work, found.costs)
    return _found(found.work, estimate, found.acceptance, found.costs.lanes, notes)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What there is to do, what the pieces cost, and how that is known."""

    work: Work
    costs: Costs
    acceptance: Acceptance
    notes: list[str]


def _on_paper(
    assembly: Assembly, known: Acceptance | None, hardware: str, parameters: float
) -> _Looked:
    """Works out what the pieces would cost on a GPU that is not there."""
    from selfspec_core.planning import paper
    from selfspec_core.planning import work as planning

    context, gpu = assembly.context, paper.hardware(hardware)
    if context.settings.model.layout is None:  # which only a loaded model knows
        context = planning.with_settings(context, "model", layout="task")
    known = known or planning.Acceptance(0.5, 0.5)
    work = planning.work(context, assembly.parts, known, in_turns=True)
    costs = paper.costs(gpu, parameters, context, list(work.asked))
    notes = [
        f"on paper, not measured: peak rates of {hardware} as published, of which encoding "
        f"reaches {paper.PREFILL:.0%}, decoding {paper.DECODE:.0%} of the bandwidth, tuning "
        f"{paper.TRAIN:.0%}"
    ]
    if costs.device_memory > gpu.memory:
        notes.append(f"needs more than the {gpu.memory / 1e9:.0f} GB of {hardware}")
    return _Looked(work, costs, known, notes)


def _measured(assembly: Assembly, known: Acceptance | None, seconds: float) -> _Looked:
    """Does a little of everything here; keeps what the filters do unless that is known."""
    from selfspec_core.cli.clock import seconds_since_start
    from selfspec_core.planning import work as planning
    from selfspec_core.planning.calibration import Calibration

    context, parts = assembly.context, assembly.parts
    parts.trainer.check(context)
    context.model.load()
    if not (parts.training_model or context.model).capabilities.trains:
        raise UsageError(f"{context.model.name} cannot be tuned; set training.model")
    begun, calibration = seconds_since_start(), Calibration(assembly, seconds)
    ways = planning.work(context, parts, planning.Acceptance(0.5, 0.5), in_turns=True).asked
    costs = calibration.measure(list(ways), begun)
    notes = [f"measured in {seconds_since_start() - begun:.0f} s on this machine"]
    if known is None:
        known = calibration.acceptance
        notes.append(
            f"what filters keep is that of {calibration.proposals} proposals; --like RUN takes "
            "that of a run"
        )
    work = planning.work(context, parts, known, in_turns=calibration.in_turns)
    return _Looked(work, costs, known, notes)


def _acceptance_of(name: str) -> Acceptance:
    from selfspec_core.planning.work import acceptance_of
    from selfspec_core.runs import Run, find_run

    run = Run.open(find_run(name))
    numbers = run.round_numbers()
    found = acceptance_of(run.round(numbers[0])) if numbers else None
    if found is None:
        raise UsageError(f"--like {name}: it has no examples yet")
    return found


def _left_out(context: Context, parts: Parts, work: Work) -> list[str]:
    """Returns what the estimate does not hold, or holds at most."""
    settings, notes = context.settings, []
    if work.short:
        lacking = f"{work.short} of {settings.data.size} examples"
        notes.append(f"{lacking} will be lacking: proposals end first (propose.limit)")
    if settings.rounds.max > 1:
        notes.append("rounds may stop earlier (rounds.max is the most)")
    if settings.preference.enabled:
        notes.append("not counted: sampling and tuning on pairs (preference.enabled)")
    if parts.baselines:
        notes.append("not counted: other models (--baseline)")
    return notes


def _found(
    work: Work, estimate: Estimate, acceptance: Acceptance, lanes: int, notes: list[str]
) -> dict[str, Any]:
    return {
        "seconds": round(estimate.total, 1),
        "steps": {step: round(seconds, 2) for step, seconds in estimate.seconds.items()},
        "memory": estimate.memory,
        "device_memory": estimate.device_memory,
        "processes": lanes,
        "disk": estimate.disk,
        "acceptance": asdict(acceptance),
        "work": {
            "proposals": work.proposals,
            "answered": work.answered,
            "training_steps": dict(work.steps),
            "items": sum(work.asked.values()),
        },
        "notes": notes,
    }


def _print(found: dict[str, Any]) -> None:
    from selfspec_core.cli.output import console, plain, table
    from selfspec_core.progress import duration

    rows = table("step", "time", right=("time",))
    for step, seconds in found["steps"].items():
        rows.add_row(step, duration(seconds))
    rows.add_row("total", duration(found["seconds"]))
    console().print(rows)
    work = found["work"]
    click.echo(
        f"work    {work['proposals']:,} proposals, {work['answered']:,} answers, "
        f"{sum(work['training_steps'].values()):,} training steps, {work['items']:,} items asked"
    )
    device = found["device_memory"]
    of_device = f" of the machine, {device / 1e9:.1f} GB of the GPU" if device else ""
    each = f" in each of {found['processes']} processes" if found["processes"] > 1 else ""
    click.echo(f"memory  {found['memory'] / 1e9:.2f} GB{each}{of_device}")
    click.echo(f"disk    {found['disk'] / 1e6:.1f} MB")
    kept = found["acceptance"]
    click.echo(
        f"kept    {kept['instructions']:.0%} of proposals, {kept['examples']:.0%} of answers"
    )
    for note in found["notes"]:
        click.echo(plain(f"note    {note}"))
