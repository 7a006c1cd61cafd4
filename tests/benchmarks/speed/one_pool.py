"""Judges one pool in a process of its own, so that its peak memory is known.

    python -m speed.one_pool ours|cdist SIZE TURNS [BLOCKS]

Answers the median processor seconds over the turns, which other work on the machine moves least,
the wall seconds of a turn, memory, and the places rejected. With BLOCKS only
so many blocks, spread evenly, are compared with the pool that each would meet; the seconds are
then what all would take.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from statistics import median

import numpy as np
from rapidfuzz.distance import Indel
from rapidfuzz.process import cdist

from selfspec_core.components import Context, Model
from selfspec_core.config import Settings
from selfspec_core.similarity.text import Vocabulary
from selfspec_core.types import Instruction
from selfspec_plugins.novelty import Novelty
from speed.texts import instructions

BLOCK = 200
"""Texts judged in one call."""
THRESHOLD = 0.7


def as_instructions(texts: Sequence[str], first: int = 0) -> list[Instruction]:
    """Returns texts as the filter gets them."""
    return [
        Instruction(f"r1-{n:06d}", "t", "open_qa", text, "", 1, n)
        for n, text in enumerate(texts, first)
    ]


def ours(texts: Sequence[str]) -> tuple[dict[int, str], float]:
    """Judges block by block as in a run; returns places rejected, with evidence, and seconds."""
    context = Context("", Model(), Settings(), [])
    start = time.process_time()
    novel, verdicts = Novelty(), []
    for at in range(0, len(texts), BLOCK):
        verdicts += novel.judge(as_instructions(texts[at : at + BLOCK], at), context)
    seconds = time.process_time() - start
    return {at: own.evidence for at, own in enumerate(verdicts) if not own.keep}, seconds


def plain(texts: Sequence[str], judged: Sequence[int]) -> tuple[list[int], float]:
    """Returns what batched rapidfuzz rejects of the blocks that start at `judged`, and the seconds.

    Plain: a block at once against all before it and itself, of words as they are.
    """
    start = time.process_time()
    vocabulary = Vocabulary()
    encoded = [vocabulary.encode(text) for text in texts]
    encoding = time.process_time() - start
    rejected = []
    start = time.process_time()
    for at in judged:
        block = encoded[at : at + BLOCK]
        scores = cdist(
            block,
            encoded[: at + len(block)],
            scorer=Indel.normalized_similarity,
            score_cutoff=THRESHOLD - 1e-6,
            dtype=np.float32,
        )
        rejected += [at + row for row in range(len(block)) if scores[row, : at + row].any()]
    every = -(-len(texts) // BLOCK)
    return rejected, encoding + (time.process_time() - start) * every / len(judged)


def main(way: str, size: int, turns: int, blocks: int | None = None) -> None:
    """Prints what was found as JSON."""
    texts = instructions(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    judged = range(0, size, BLOCK)
    if blocks is not None:
        judged = judged[len(judged) // (2 * blocks) :: len(judged) // blocks]
    start = time.perf_counter()
    found = [ours(texts) if way == "ours" else plain(texts, judged) for _ in range(turns)]
    wall = (time.perf_counter() - start) / turns
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        json.dumps(
            {
                "seconds": median(seconds for _, seconds in found),
                "wall seconds": wall,
                "peak MB": peak / 1024,
                "MB before": before / 1024,  # the texts and what was imported
                "judged": list(judged),
                "rejected": list(found[0][0]),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
