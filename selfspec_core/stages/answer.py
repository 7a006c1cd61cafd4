"""Stage 2: the base model answers the accepted instructions; filters keep the good examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice, zip_longest

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
    plan: Mapping[str, int],
) -> None:
    """Fills examples.jsonl with up to `data.size` examples, and rejected.jsonl.

    What the firewall finds is rejected here already, so that examples.jsonl is the training set.

    Args:
        probe: brought up before a batch is judged, so that a batch is judged by one measure.
        plan: how many instructions (`instructions`) and answered batches (`batches`) there were
            before the ones to answer now.
    """
    size = context.settings.data.size
    have = Counter(row["task"] for row in folder.read("examples"))
    room = answer_room(context)
    batches = list(enumerate(_batches(folder, context, plan["instructions"]), plan["batches"]))
    with context.progress.stage("answer", size, "examples"):
        context.progress.advance(have.total())
        left = batches[folder.done(STAGE) - plan["batches"] :] if have.total() < size else []
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


def _batches(folder: RoundFolder, context: Context, start: int) -> list[list[Instruction]]:
    """Returns the batches: one task each, so that they share demonstrations; tasks take turns."""
    by_task: dict[str, list[Instruction]] = defaultdict(list)
    for row in islice(folder.read("instructions"), start, None):
        instruction = Instruction.from_dict(row)
        by_task[instruction.task].append(instruction)
    batch = context.settings.answer.batch
    chunks = [
        [rows[at : at + batch] for at in range(0, len(rows), batch)] for rows in by_task.values()
    ]
    return [chunk for turn in zip_longest(*chunks) for chunk in turn if chunk]


def restore(folder: RoundFolder, chain: Chain, context: Context) -> None:
    """Brings the example filters to where the journals say they were."""
    rejected = (row for row in folder.read("rejected") if "output" in row)
    chain.restore(Example.from_dict, folder.read("examples"), rejected, context)


def _screened(judged: list[Judged], firewall: Firewall) -> list[Judged]:
    standing = [row for row, (_, verdict, _) in enumerate(judged) if verdict.keep]
    verdicts = firewall.screen([judged[row][0] for row in standing])
    for row, verdict in zip(standing, verdicts, strict=True):
        if not verdict.keep:
            judged[row] = (judged[row][0], verdict, "firewall")
    return judged
