"""Stage 2: the base model answers the accepted instructions; filters keep the good examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import zip_longest

from selfspec_core.components import Context, Generator
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.stages.ahead import at_once, generated
from selfspec_core.stages.chain import Chain, Judged, decided, quota, rejection
from selfspec_core.stages.probe import Probe
from selfspec_core.stages.quotas import answer_room
from selfspec_core.types import Example, Instruction

STAGE = "answer"


def answer(
    folder: RoundFolder,
    generator: Generator,
    chain: Chain,
    firewall: Firewall,
    probe: Probe,
    context: Context,
    instructions: Sequence[Instruction],
    before: int,
) -> None:
    """Fills examples.jsonl with up to `data.size` examples, and rejected.jsonl.

    What the firewall finds is rejected here already, so that examples.jsonl is the training set.

    Args:
        probe: brought up before a batch is judged, so that a batch is judged by one measure.
        instructions: to be answered now.
        before: how many batches had been answered before the first of them.
    """
    size = context.settings.data.size
    have = Counter(row["task"] for row in folder.read("examples"))
    room = answer_room(context)
    batches = list(enumerate(_batches(instructions, context), before))
    with context.progress.stage("answer", size, "examples"):
        context.progress.advance(have.total())
        left = batches[folder.done(STAGE) - before :] if have.total() < size else []
        many = at_once(generator, context)
        answered = generated(
            lambda one: generator.answer(one[1], one[0], context), left, many, context
        )
        for (number, _), examples in zip(left, answered, strict=False):
            probe.attend(have.total())
            with context.timed("filter"):
                judged = _screened(chain.judge(examples, context), firewall)
                judged = quota(judged, have, room, total=size)
            kept = [candidate for candidate, verdict, _ in judged if verdict.keep]
            rejected = [rejection(j) for j in judged if not j[1].keep]
            rows = {"examples": [e.to_dict() for e in kept], "rejected": rejected}
            folder.commit(STAGE, number, rows, **decided(context))
            have.update(example.task for example in kept)
            context.progress.advance(len(kept))
            if have.total() >= size:
                break


def _batches(instructions: Sequence[Instruction], context: Context) -> list[list[Instruction]]:
    """Returns the batches: one task each, so that they share demonstrations; tasks take turns."""
    by_task: dict[str, list[Instruction]] = defaultdict(list)
    for instruction in instructions:
        by_task[instruction.task].append(instruction)
    batch = context.settings.answer.batch
    chunks = [
        [rows[at : at + batch] for at in range(0, len(rows), batch)] for rows in by_task.values()
    ]
    return [chunk for turn in zip_longest(*chunks) for chunk in turn if chunk]


def restore(folder: RoundFolder, chain: Chain, context: Context) -> None:
    """Brings the example filters to where the journals say they were."""
    kept = (Example.from_dict(row) for row in folder.read("examples"))
    rejected = folder.read("rejected", having="output")
    chain.restore(Example.from_dict, kept, rejected, context)


def _screened(judged: list[Judged], firewall: Firewall) -> list[Judged]:
    standing = [row for row, (_, verdict, _) in enumerate(judged) if verdict.keep]
    verdicts = firewall.screen([judged[row][0] for row in standing])
    for row, verdict in zip(standing, verdicts, strict=True):
        if not verdict.keep:
            judged[row] = (judged[row][0], verdict, "firewall")
    return judged
