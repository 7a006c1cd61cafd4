"""Near-copies among encoded texts: exact ROUGE-L F1 decisions at the speed of rapidfuzz.

ROUGE-L F1 over words is `Indel.normalized_similarity` over strings with one character a word
(2 LCS / (|a| + |b|)). Three steps find the few pairs that matter:

1. Texts folded to 256 characters are compared in one batch, which rapidfuzz does eight times faster
   than with a large alphabet. Folding can only make two texts more alike: no copy is lost.
2. What remains is compared as it is.
3. The two formulas differ by rounding only, so whatever lies within a hair of the threshold is
   decided by the classic one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from selfspec_core.text import rouge_l_encoded

HAIR = 1e-9

Scores = NDArray[np.float64]


def folded(text: str) -> str:
    """Returns the low byte of each character's code point as a character."""
    return text.encode("utf-32-le")[::4].decode("latin-1")


def similarities(queries: Sequence[str], pool: Sequence[str], threshold: float) -> Scores:
    """Returns ROUGE-L F1 of encoded texts, [queries, pool]; 0 where clearly below `threshold`.

    Of folded texts this is an upper bound of what the texts themselves have.
    """
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    cutoff = max(threshold - HAIR, HAIR)
    return cdist(
        queries, pool, scorer=Indel.normalized_similarity, score_cutoff=cutoff, dtype=np.float64
    )


def nearest_copy(
    bounds: Scores, query: str, pool: Sequence[str], threshold: float
) -> tuple[int, float] | None:
    """Returns (index, score) of the first nearest text with ROUGE-L F1 >= threshold, or None.

    Args:
        bounds: row of `similarities` of the folded texts that belongs to `query`; 0 excludes.
        query: encoded, not folded; so are the texts of `pool`.
    """
    places = np.flatnonzero(bounds).tolist()
    if not places:
        return None
    scores = similarities([query], [pool[place] for place in places], threshold)[0]
    best = int(scores.argmax())
    if scores[best] >= threshold + HAIR:
        return places[best], float(scores[best])
    near = [places[i] for i in np.flatnonzero(scores).tolist()]
    score, place = max(((rouge_l_encoded(pool[p], query), -p) for p in near), default=(0.0, 0))
    return (-place, score) if near and score >= threshold else None


def length_bounds(length: int, threshold: float) -> tuple[float, float]:
    """Returns between which lengths a text must be to reach `threshold` with one of `length`.

    From F1 <= 2 min(a, b) / (a + b).
    """
    ratio = max(threshold - HAIR, HAIR) / (2 - threshold + HAIR)
    return length * ratio, length / ratio


class Pool:
    """Encoded texts in the order of arrival, with their ids; arrays grow by doubling."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._texts = np.empty((1024, 2), object)  # as encoded, and folded
        self._lengths = np.zeros(1024, np.int64)

    def add(self, id: str, text: str) -> int:
        """Adds a text and returns its place."""
        place = len(self._ids)
        if place == len(self._texts):
            self._texts = np.concatenate([self._texts, np.empty((place, 2), object)])
            self._lengths = np.concatenate([self._lengths, np.zeros(place, np.int64)])
        self._ids.append(id)
        self._texts[place] = text, folded(text)
        self._lengths[place] = len(text)
        return place

    def nearest(self, places: Sequence[int], threshold: float) -> dict[int, tuple[str, float]]:
        """Returns the nearest earlier near-copy (id, score) of each text that has one."""
        lengths = self._lengths[: len(self._ids)]
        found = {}
        for group in self._similar_lengths(places):
            shortest, longest = lengths[group[0]], lengths[group[-1]]
            low, high = length_bounds(shortest, threshold)[0], length_bounds(longest, threshold)[1]
            among = np.flatnonzero((lengths >= low) & (lengths <= high))
            queries, pool = self._texts[group].T.tolist(), self._texts[among].T.tolist()
            bounds = similarities(queries[1], pool[1], threshold)
            bounds[among >= np.array(group)[:, None]] = 0  # itself and what came later
            for place, query, row in zip(group, queries[0], bounds, strict=True):
                copy = nearest_copy(row, query, pool[0], threshold)
                if copy:
                    found[place] = (self._ids[among[copy[0]]], copy[1])
        return found

    def _similar_lengths(self, places: Sequence[int]) -> Iterator[list[int]]:
        """Yields groups of places of about one length, so that bounds on it exclude much."""
        group: list[int] = []
        for place in sorted(places, key=lambda place: self._lengths[place]):
            if group and self._lengths[place] > 1.25 * self._lengths[group[0]] + 2:
                yield group
                group = []
            group.append(place)
        if group:
            yield group
