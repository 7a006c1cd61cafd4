"""The exact novelty filter beside the classic loop, plain batched rapidfuzz, and MinHash.

All on one core; ratios are of processor time, which other work on the machine moves least.

`SELFSPEC_BENCH_FULL=1` runs the classic loop for 2,000 candidates instead of 500, and rapidfuzz in
full at 50,000, where else blocks spread evenly over the pool are timed, as always at 200,000.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import rivals
from rivals import HERE

from speed import Measured
from speed.one_pool import BLOCK, THRESHOLD, ours
from speed.texts import instructions

FULL = os.environ.get("SELFSPEC_BENCH_FULL") == "1"
TURNS = {1_000: 9, 10_000: 3, 50_000: 1, 200_000: 1}
"""Pools, and how often each is judged."""
BLOCKS = {200_000: 10} if FULL else {50_000: 10, 200_000: 10}
"""How many blocks rapidfuzz is timed on, where not on all."""
SAMPLED = 20
CLASSIC = 2_000 if FULL else 500


def measure() -> Measured:
    """Times each pool in turns with rapidfuzz; decisions that differ are an error."""
    ratios, figures = {}, {"pools": {}}
    for size, turns in TURNS.items():
        row = _beside_rapidfuzz(size, turns)
        figures["pools"][str(size)] = row
        ratios[f"novelty_{size // 1000}k_vs_cdist"] = row["cdist seconds"] / row["seconds"]
        print(size, row, flush=True)
    each = figures["pools"]["10000"]["seconds"] / 10_000
    classic = _classic_seconds(instructions(10_000))
    ratios["novelty_10k_vs_classic"] = classic / each
    figures["ms a candidate at 10k"] = {"ours": 1e3 * each, "classic": 1e3 * classic}
    figures["decisions as the classic loop"] = _like_classic(instructions(CLASSIC))
    figures["minhash at 10k"] = _beside_minhash(instructions(10_000))
    return Measured(ratios, figures)


def _beside_rapidfuzz(size: int, turns: int) -> dict[str, float]:
    """Judges a pool both ways, each in a process of its own."""
    blocks = [str(BLOCKS[size])] if size in BLOCKS else []
    own = _one_pool("ours", str(size), str(turns))
    other = _one_pool("cdist", str(size), str(turns), *blocks)
    judged = set(other["judged"])
    expected = [place for place in own["rejected"] if place - place % BLOCK in judged]
    if other["rejected"] != expected:
        raise RuntimeError(f"decisions differ from rapidfuzz's at {size}")
    return {
        "seconds": own["seconds"],
        "wall seconds": own["wall seconds"],
        "ms a candidate": 1e3 * own["seconds"] / size,
        "peak MB": own["peak MB"],
        "of these before": own["MB before"],
        "cdist seconds": other["seconds"],
        "cdist blocks judged": len(judged),
        "rejected": len(own["rejected"]),
    }


def _one_pool(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "speed.one_pool", *arguments]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=HERE.parent, timeout=7200
    )
    return json.loads(done.stdout)


def _scorer() -> Any:
    from rouge_score import rouge_scorer

    from selfspec_core.similarity.text import words

    class Words:
        def tokenize(self, text: str) -> list[str]:
            return words(text)

    return rouge_scorer.RougeScorer(["rougeL"], tokenizer=Words())


def _classic_seconds(texts: Sequence[str]) -> float:
    """Returns seconds a candidate against half the pool, which it meets on average."""
    scorer = _scorer()
    start = time.process_time()
    for candidate in random.Random(1).sample(texts, SAMPLED):
        max(scorer.score(other, candidate)["rougeL"].fmeasure for other in texts[: len(texts) // 2])
    return (time.process_time() - start) / SAMPLED


def _like_classic(texts: Sequence[str]) -> dict[str, float]:
    """Runs the classic loop in full; decisions, neighbours or scores that differ are an error."""
    scorer = _scorer()
    start = time.process_time()
    expected = {}
    for place, text in enumerate(texts):
        scores = [scorer.score(other, text)["rougeL"].fmeasure for other in texts[:place]]
        if scores and max(scores) >= THRESHOLD:
            expected[place] = f"r1-{scores.index(max(scores)):06d} {max(scores):.3f}"
    seconds = time.process_time() - start
    if ours(texts)[0] != expected:
        raise RuntimeError("decisions differ from the classic loop's")
    return {"candidates": len(texts), "rejected": len(expected), "classic seconds": seconds}


def _beside_minhash(texts: Sequence[str]) -> dict[str, Any]:
    """Returns seconds, precision and recall of distilabel's step, by what ROUGE-L says."""
    copies, seconds = ours(texts)
    question = {"texts": texts, "thresholds": {"default": None, "0.7": 0.7}}
    figures: dict[str, Any] = {"ours": {"seconds": seconds, "rejected": len(copies)}}
    for name, row in rivals.ask("minhash", "minhash_dedup.py", question).items():
        right = len(set(copies) & set(row["rejected"]))
        figures[f"{name} ({row['threshold']})"] = {
            "seconds": row["seconds"],
            "rejected": len(row["rejected"]),
            "precision": right / max(len(row["rejected"]), 1),
            "recall": right / len(copies),
        }
    return figures
