"""Stage 1: the base model proposes instructions, in waves, until there are enough.

Prompts of a wave see the pool as it stood after the wave before, so what a batch proposes depends
on its number alone and an interrupted run goes on with the same proposals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from selfspec_core.components import Context, Generator
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.chain import Chain, Judged, rejection
from selfspec_core.types import Instruction, Verdict

STAGE = "propose"


def propose(folder: RoundFolder, generator: Generator, chain: Chain, context: Context) -> None:
    """Fills instructions.jsonl (accepted) and rejected.jsonl.

    Stops at `data.size * propose.surplus` accepted instructions, or after
    `data.size * propose.limit` proposals.
    """
    settings, size = context.settings.propose, context.settings.data.size
    target, limit = ceil(size * settings.surplus), ceil(size * settings.limit)
    accepted = _restore(folder, chain, context)
    batch = folder.done(STAGE)
    with context.progress.stage("propose", target, "instructions"):
        context.progress.advance(min(len(accepted), target))
        while len(accepted) < target and batch * settings.batch < limit:
            wave_start = batch - batch % settings.wave
            context.pool = [i for i in accepted if i.batch < wave_start]
            context.wanted = _with_room(context, target)
            if not context.wanted:
                break
            candidates = generator.propose(batch, context)
            judged = _quota(chain.judge(candidates, context), accepted, context, target)
            kept = [candidate for candidate, verdict, _ in judged if verdict.keep]
            rejected = [rejection(j) for j in judged if not j[1].keep]
            folder.commit(
                STAGE,
                batch,
                {"instructions": [i.to_dict() for i in kept], "rejected": rejected},
                **_decided(context),
            )
            accepted += kept
            context.progress.advance(min(len(kept), max(0, target - len(accepted) + len(kept))))
            batch += 1


def _restore(folder: RoundFolder, chain: Chain, context: Context) -> list[Instruction]:
    """Brings the filters to where they were; returns the accepted instructions."""
    accepted = [Instruction.from_dict(row) for row in folder.read("instructions")]
    rejected = [
        (Instruction.from_dict(row), row["filter"])
        for row in folder.read("rejected")
        if "output" not in row
    ]
    judged = [(i, "") for i in accepted] + rejected
    chain.restore(sorted(judged, key=lambda pair: pair[0].id), context)
    return accepted


def _room(context: Context, target: int) -> int:
    """Returns how many instructions of one task may be accepted."""
    tasks = len({seed.task for seed in context.seeds})
    return max(ceil(target / tasks), int(target * context.settings.data.task_share))


def _with_room(context: Context, target: int) -> list[str]:
    counts = Counter(i.task for i in context.pool)
    tasks = dict.fromkeys(seed.task for seed in context.seeds)
    return [task for task in tasks if counts[task] < _room(context, target)]


def _quota(
    judged: Sequence[Judged], accepted: Sequence[Instruction], context: Context, target: int
) -> list[Judged]:
    """Rejects what would take a task beyond its share of the training set."""
    counts, room = Counter(i.task for i in accepted), _room(context, target)
    result: list[Judged] = []
    for candidate, verdict, by in judged:
        if verdict.keep and counts[candidate.task] >= room:
            full = Verdict(False, "task has its share", f"{candidate.task}: {room}")
            result.append((candidate, full, "task_share"))
            continue
        counts[candidate.task] += verdict.keep
        result.append((candidate, verdict, by))
    return result


def _decided(context: Context) -> dict[str, dict[str, object]]:
    return {"decisions": dict(context.decisions)} if context.decisions else {}
