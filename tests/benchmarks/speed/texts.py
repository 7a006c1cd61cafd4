"""Instructions as a long run would have them, without a model."""

from __future__ import annotations

import random
from itertools import accumulate

WORDS = 20_000


def instructions(count: int, random_seed: int = 0) -> list[str]:
    """Returns texts of 15-40 words of a Zipfian vocabulary, a fifth of them near-copies."""
    rng = random.Random(random_seed)
    vocabulary = [f"word{rank}" for rank in range(WORDS)]
    weights = [*accumulate(1 / (rank + 2) for rank in range(WORDS))]
    texts: list[str] = []
    for _ in range(count):
        if texts and rng.random() < 0.2:
            words = rng.choice(texts).split()
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        else:
            words = rng.choices(vocabulary, cum_weights=weights, k=rng.randint(15, 40))
        texts.append(" ".join(words))
    return texts
