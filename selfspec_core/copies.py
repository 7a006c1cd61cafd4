"""Near-copies among encoded texts: exact ROUGE-L F1 decisions at the speed of rapidfuzz.

ROUGE-L F1 over words is `Indel.normalized_similarity` over strings with one character a word
(2 LCS / (|a| + |b|)). The two differ by rounding only, so whatever lies within a hair of the
threshold is decided by the classic formula.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfspec_core.text import rouge_l_encoded

HAIR = 1e-9

Scores = NDArray[np.float64]


def similarities(queries: Sequence[str], pool: Sequence[str], threshold: float) -> Scores:
    """Returns ROUGE-L F1 of encoded texts, [queries, pool]; 0 where clearly below `threshold`."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    cutoff = max(threshold - HAIR, HAIR)
    return cdist(
        queries, pool, scorer=Indel.normalized_similarity, score_cutoff=cutoff, dtype=np.float64
    )


def nearest_copy(
    scores: Scores, query: str, pool: Sequence[str], threshold: float
) -> tuple[int, float] | None:
    """Returns (index, score) of the first nearest text with ROUGE-L F1 >= threshold, or None.

    Args:
        scores: row of `similarities` that belongs to `query`.
    """
    if not len(scores):
        return None
    best = int(scores.argmax())
    if scores[best] >= threshold + HAIR:
        return best, float(scores[best])
    ties = [(rouge_l_encoded(pool[i], query), -i) for i in np.flatnonzero(scores)]
    score, index = max(ties, default=(0.0, 0))
    return (int(-index), score) if ties and score >= threshold else None


def length_bounds(length: int, threshold: float) -> tuple[float, float]:
    """Returns between which lengths a text must be to reach `threshold` with one of `length`.

    From F1 <= 2 min(a, b) / (a + b).
    """
    ratio = max(threshold - HAIR, HAIR) / (2 - threshold + HAIR)
    return length * ratio, length / ratio
