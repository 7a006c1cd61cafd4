"""Stage 1: the base model proposes instructions, in waves, until there are enough.

Prompts of a wave see the pool as it stood after the wave before, so what a batch proposes depends
on its number alone and an interrupted run goes on with the same proposals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from math import ceil

from selfspec_core.components import Context, Generator
from selfspec_core.journals import RoundFolder
from selfspec_core.stages.ahead import at_once, generated
from selfspec_core.stages.chain import Chain, decided, quota, rejection
from selfspec_core.stages.quotas import propose_room
from selfspec_core.types import Instruction

STAGE = "propose"


def propose(
    folder: RoundFolder,
    generator: Generator,
    chain: Chain,
    context: Context,
    target: int,
    accepted: list[Instruction],
) -> None:
    """Fills instructions.jsonl (accepted) and rejected.jsonl.

    Stops at `target` accepted instructions, or after `data.size * propose.limit` proposals.

    Args:
        accepted: what the journal holds; new ones are added.
    """
    settings = context.settings.propose
    limit = ceil(context.settings.data.size * settings.limit)
    batch, batches = folder.done(STAGE), ceil(limit / settings.batch)
    have, many = Counter(i.task for i in accepted), at_once(generator, context)
    with context.progress.stage("propose", target, "instructions"):
        context.progress.advance(len(accepted))
        while len(accepted) < target and batch < batches:
            wave = batch // settings.wave
            context.pool = tuple(i for i in accepted if i.batch < wave * settings.wave)
            room = propose_room(context, target, wave=wave)
            context.wanted = _with_room(Counter(i.task for i in context.pool), room)
            numbers = range(batch, min(batches, (wave + 1) * settings.wave))
            propose_one = partial(generator.propose, context=context)
            for candidates in generated(propose_one, numbers, many, context):
                with context.timed("filter"):
                    judged = quota(chain.judge(candidates, context), have, room, total=target)
                kept = [candidate for candidate, verdict, _ in judged if verdict.keep]
                rejected = [rejection(j) for j in judged if not j[1].keep]
                rows = {"instructions": [i.to_dict() for i in kept], "rejected": rejected}
                folder.commit(STAGE, batch, rows, **decided(context))
                context.progress.advance(len(kept))
                have.update(i.task for i in kept)
                accepted += kept
                batch += 1
                if len(accepted) >= target:
                    break


def restore(folder: RoundFolder, chain: Chain, context: Context) -> list[Instruction]:
    """Brings the instruction filters to where the journals say they were; returns the accepted."""
    accepted = [Instruction.from_dict(row) for row in folder.read("instructions")]
    rejected = folder.read("rejected", without="output")
    chain.restore(Instruction.from_dict, accepted, rejected, context)
    return accepted


def _with_room(pool: Mapping[str, int], room: Mapping[str, int]) -> list[str]:
    return [task for task, most in room.items() if pool.get(task, 0) < most]
