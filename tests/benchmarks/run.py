"""`make bench`: selfspec beside its rivals, in one run; only ratios are worth quoting.

Prints a table and writes results.json with the ratios. A ratio above 1 means selfspec is faster,
except for start-up, where it says how many times longer than the two imports it takes.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

POOL, SAMPLED = 10_000, 20


def wall(command: list[str], runs: int = 7) -> float:
    """Returns the median wall time of a command in seconds, after one warm-up."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def start_up() -> dict[str, float]:
    """Compares the listing commands with importing the two libraries they cannot do without."""
    floor = wall([sys.executable, "-c", "import click, rich"])
    commands = {"--help": [], "domains": [], "plugins": [], "seeds finance": []}
    return {
        f"{name} vs import click, rich": wall(
            [sys.executable, "-m", "selfspec_core", *name.split()]
        )
        / floor
        for name in commands
    }


def instructions(count: int) -> list[str]:
    """Returns texts of 15-40 words of a Zipfian vocabulary, a fifth of them near-copies."""
    rng = random.Random(0)
    vocabulary = [f"word{rank}" for rank in range(20_000)]
    weights = [1 / (rank + 2) for rank in range(20_000)]
    texts: list[str] = []
    for _ in range(count):
        if texts and rng.random() < 0.2:
            words = rng.choice(texts).split()
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        else:
            words = rng.choices(vocabulary, weights, k=rng.randint(15, 40))
        texts.append(" ".join(words))
    return texts


def novelty() -> dict[str, float]:
    """Compares the exact filter with the classic loop, which is timed on sampled candidates."""
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
    return {"novelty_10k_vs_classic": classic / ours}


def main() -> None:
    """Runs everything, prints the table, writes results.json."""
    parts: tuple[Callable[[], dict[str, float]], ...] = (start_up, novelty)
    ratios = {name: round(value, 2) for part in parts for name, value in part().items()}
    for name, value in ratios.items():
        print(f"{name:40s} {value:10.2f}")
    results = Path(__file__).with_name("results.json")
    results.write_text(json.dumps({"ratios": ratios}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
