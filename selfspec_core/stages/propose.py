"""Stage 1: the base model proposes instructions, in waves, until there are enough.

Prompts of a wave see the pool as it stood after the wave before, so what a batch proposes depends
on its number alone and an interrupted run goes on with the same proposals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import ceil

from selfspec_core.components import Context, Generator
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import Chain, arrival, decided, quota, rejection
from selfspec_core.stages.quotas import propose_room
from selfspec_core.types import Instruction

STAGE = "propose"


def propose(
    folder: RoundFolder, generator: Generator, chain: Chain, context: Context, target: int
) -> None:
    """Fills instructions.jsonl (accepted) and rejected.jsonl.

    Stops at `target` accepted instructions, or after `data.size * propose.limit` proposals.
    """
    settings = context.settings.propose
    limit = ceil(context.settings.data.size * settings.limit)
    accepted = [Instruction.from_dict(row) for row in folder.read("instructions")]
    batch = folder.done(STAGE)
    with context.progress.stage("propose", target, "instructions"):
        context.progress.advance(len(accepted))
        while len(accepted) < target and batch * settings.batch < limit:
            wave_start = batch - batch % settings.wave
            context.pool = [i for i in accepted if i.batch < wave_start]
            room = propose_room(context, target, wave=batch // settings.wave)
            context.wanted = _with_room(context, room)
            candidates = generator.propose(batch, context)
            have = Counter(i.task for i in accepted)
            with context.timed("filter"):
                judged = quota(chain.judge(candidates, context), have, room, total=target)
            kept = [candidate for candidate, verdict, _ in judged if verdict.keep]
            rejected = [rejection(j) for j in judged if not j[1].keep]
            rows = {"instructions": [i.to_dict() for i in kept], "rejected": rejected}
            folder.commit(STAGE, batch, rows, **decided(context))
            context.progress.advance(len(kept))
            accepted += kept
            batch += 1


def restore(folder: RoundFolder, chain: Chain, context: Context) -> None:
    """Brings the instruction filters to where the journals say they were."""
    judged = [(Instruction.from_dict(row), "") for row in folder.read("instructions")]
    for row in folder.read("rejected"):
        if "output" not in row:
            judged.append((Instruction.from_dict(row), row["filter"]))
    chain.restore(sorted(judged, key=lambda pair: arrival(pair[0])), context)


def _with_room(context: Context, room: Mapping[str, int]) -> list[str]:
    counts = Counter(i.task for i in context.pool)
    return [task for task, most in room.items() if counts[task] < most]
