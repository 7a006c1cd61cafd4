"""Candidates: what the model wrote, read back as an instruction of a task."""

from __future__ import annotations

from collections.abc import Sequence

from selfspec_core import Context, Instruction, Layout, Seed
from selfspec_plugins.prompts import read_proposal


def proposal_id(context: Context, batch: int, row: int) -> str:
    """Returns the id of a proposal: `r<round>-<batch>-<row>`."""
    return f"r{context.round}-{batch:05d}-{row:03d}"


def answered(
    like: Seed,
    instruction: str,
    label: str | None,
    text: str,
    id: str,
    shown: Sequence[Seed],
    layout: Layout,
) -> Instruction:
    """Builds a candidate of the task of `like` whose answer stood before its input."""
    round, batch = _round_and_batch(id)
    read = (label, text) if label is not None else read_proposal(layout, text)
    answer, input = read or (None, "")
    input = " ".join(input.strip().removeprefix(layout.input.strip()).split())
    ids = tuple(s.id for s in shown)
    unread = None if read else text
    return Instruction(
        id,
        like.task,
        like.kind,
        instruction,
        input,
        round,
        batch,
        like.choices,
        answer,
        ids,
        unread,
    )


def _round_and_batch(id: str) -> tuple[int, int]:
    round, batch, _ = id.removeprefix("r").split("-")
    return int(round), int(batch)


def as_instruction(
    read: tuple[str, str] | None,
    text: str,
    kin: Sequence[Seed],
    id: str,
    shown: Sequence[Seed | Instruction],
) -> Instruction:
    """Builds a candidate; task, kind and choices are those of the seed it is most like."""
    round, batch = _round_and_batch(id)
    instruction, input = read or ("", "")
    like = max(kin, key=lambda seed: _likeness(seed, instruction))
    ids = tuple(s.id for s in shown)
    unread = None if read else text
    return Instruction(
        id, like.task, like.kind, instruction, input, round, batch, like.choices, None, ids, unread
    )


def _likeness(seed: Seed, instruction: str) -> float:
    """Share of words that a seed's instruction has in common with another (Jaccard)."""
    ours, theirs = set(seed.instruction.lower().split()), set(instruction.lower().split())
    return len(ours & theirs) / max(1, len(ours | theirs))
