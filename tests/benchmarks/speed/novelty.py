"""The exact novelty filter beside the classic loop."""

from __future__ import annotations

import random
import time

from speed import Measured
from speed.texts import instructions

POOL, SAMPLED = 10_000, 20


def measure() -> Measured:
    """Compares the whole filter with the classic loop, timed on sampled candidates."""
    from rouge_score import rouge_scorer

    from selfspec_core.components import Context, Domain, Model
    from selfspec_core.config import Settings
    from selfspec_core.text import words
    from selfspec_core.types import Instruction
    from selfspec_plugins.novelty import Novelty

    class Words:
        def tokenize(self, text: str) -> list[str]:
            return words(text)

    texts = instructions(POOL)
    rows = [
        Instruction(f"r1-{n:05d}-000", "t", "open_qa", "Read it.", text, 1, n)
        for n, text in enumerate(texts)
    ]
    context = Context(Domain(), Model(), Settings(), [])
    start = time.perf_counter()
    novel = Novelty()
    for at in range(0, POOL, 200):
        novel.judge(rows[at : at + 200], context)
    ours = (time.perf_counter() - start) / POOL
    scorer = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Words())
    start = time.perf_counter()
    for candidate in random.Random(1).sample(texts, SAMPLED):
        max(scorer.score(other, candidate)["rougeL"].fmeasure for other in texts[: POOL // 2])
    classic = (time.perf_counter() - start) / SAMPLED  # the pool is half full on average
    return Measured(
        {"novelty_10k_vs_classic": classic / ours},
        {"ms a candidate": {"ours": 1e3 * ours, "classic": 1e3 * classic}},
    )
