"""Stages 1 and 2 together: propose, answer, and again while examples are missing.

How many instructions it takes for an example is known only after answering. Each pass is planned
from the journals and the plan is committed before it is used, so a resumed run plans alike.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any

from selfspec_core.components import Context, Filter, Generator, Trainer
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.stages import answer as answering
from selfspec_core.stages import propose as proposing
from selfspec_core.stages.chain import Chain
from selfspec_core.stages.probe import Probe, check_probe
from selfspec_core.types import Instruction

STAGE, KEPT = "plan", "keep"
MOST = 4
"""Most instructions planned for one missing example, however few were accepted before."""


def collect(
    folder: RoundFolder,
    earlier: Sequence[RoundFolder],
    proposer: Generator,
    answerer: Generator,
    filters: Sequence[Filter],
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
) -> None:
    """Fills the journals of the round until there are `data.size` examples.

    Ends earlier when a pass brings no new instruction: proposals have run out.

    Args:
        trainer: tunes a probe, if a filter asks for one.
    """
    check_probe(filters, context)
    probe = Probe(folder, filters, trainer, firewall, context)
    instructions, examples = Chain(filters, "instruction"), Chain(filters, "example")
    with _uncollected():
        for before in earlier:
            proposing.restore(before, instructions, context)
        accepted = proposing.restore(folder, instructions, context)
        for before in _answered(earlier, folder, context):
            answering.restore(before, examples, context)
    plans = [commit for commit in folder.commits if commit["stage"] == STAGE]
    plan = plans[-1] if plans else _plan(folder, context)
    while plan:
        with context.timed("propose"):
            proposing.propose(folder, proposer, instructions, context, plan["target"], accepted)
        new, done = accepted[plan["before"]["instructions"] :], plan["before"]["batches"]
        with context.timed("answer"):
            answering.answer(folder, answerer, examples, firewall, probe, context, new, done)
        plan = _plan(folder, context) if new else None


def collect_again(
    folder: RoundFolder,
    earlier: Sequence[RoundFolder],
    answerer: Generator,
    filters: Sequence[Filter],
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
) -> None:
    """Fills the journals of a later round by answering the first round's instructions again.

    Nothing is proposed, so rounds differ in their answers alone; there are fewer examples where
    more answers are rejected. Instructions keep their ids.
    """
    if not folder.done(KEPT):
        kept = [{**row, "round": context.round} for row in earlier[0].read("instructions")]
        folder.commit(KEPT, 0, {"instructions": kept})
    check_probe(filters, context)
    probe = Probe(folder, filters, trainer, firewall, context)
    examples = Chain(filters, "example")
    for before in _answered(earlier, folder, context):
        answering.restore(before, examples, context)
    with context.timed("answer"):
        asked = [Instruction.from_dict(row) for row in folder.read("instructions")]
        answering.answer(folder, answerer, examples, firewall, probe, context, asked, 0)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the garbage collector from looking through rows again and again as they are read.

    A million of them hold nothing that refers back to itself. A collector that was off stays so.
    Nothing is frozen: a loaded model refers back to itself, and could never be freed again.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _answered(
    earlier: Sequence[RoundFolder], folder: RoundFolder, context: Context
) -> list[RoundFolder]:
    """Returns the rounds whose examples the filters take in: those that are trained on together."""
    return [*(earlier if context.settings.rounds.collect == "add" else ()), folder]


def _plan(folder: RoundFolder, context: Context) -> dict[str, Any] | None:
    """Commits and returns the next pass, or None if there are examples enough."""
    missing = context.settings.data.size - folder.count("examples")
    if missing <= 0:
        return None
    have, accepted = folder.count("instructions"), folder.count("examples")
    per_example = min(MOST, have / accepted) if accepted else 1.0
    target = have + ceil(missing * max(per_example, context.settings.propose.surplus))
    before = {"instructions": have, "batches": folder.done(answering.STAGE)}
    folder.commit(STAGE, folder.done(STAGE), {}, target=target, before=before)
    return folder.commits[-1]
