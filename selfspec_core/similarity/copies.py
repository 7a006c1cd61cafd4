"""Near-copies among encoded texts: exact ROUGE-L F1 decisions at the speed of rapidfuzz.

ROUGE-L F1 over words is `Indel.normalized_similarity` over strings with one character a word
(2 LCS / (|a| + |b|)). Three steps find the few pairs that matter:

1. A pool of thousands is asked by an index which texts share enough rare words with a text
   (`prefix_index`). Those not yet in the index are folded to 256 characters and compared in one
   batch, which rapidfuzz does several times faster than with a large alphabet. Folding can only
   make two texts more alike: no copy is lost.
2. What remains is compared as it is.
3. The two formulas differ by rounding only, so among the nearest, to a hair, the classic one
   decides which it is and whether it reaches the threshold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from selfspec_core.similarity.prefix_index import PrefixIndex
from selfspec_core.similarity.text import rouge_l_encoded

HAIR = 1e-6
"""Far more than rounding moves a score, and rapidfuzz a cut-off (by 1e-8: of what scores just the
cut-off, much is lost)."""

_UNINDEXED = 1024  # below, comparing with all is as fast
_BALANCE = 13  # sqrt(2 * time to index a text / time to compare two), so that both cost the same

Scores = NDArray[np.float64]
Pairs = NDArray[np.int64]


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


def _pairwise(queries: Sequence[str], others: Sequence[str], threshold: float) -> Scores:
    """Returns what `similarities` has for the first with the first, the second with the second."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cpdist

    cutoff = max(threshold - HAIR, HAIR)
    return cpdist(
        queries, others, scorer=Indel.normalized_similarity, score_cutoff=cutoff, dtype=np.float64
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
    texts = [pool[place] for place in places]
    found = _nearest(similarities([query], texts, threshold)[0], query, texts, threshold)
    return (places[found[0]], found[1]) if found else None


def _nearest(
    scores: Scores, query: str, texts: Sequence[str], threshold: float
) -> tuple[int, float] | None:
    """Returns (index, score) of the first nearest text by the classic formula, or None.

    Args:
        scores: `similarities` of `query` with `texts`.
    """
    near = np.flatnonzero(scores >= max(scores.max() - HAIR, HAIR)).tolist()
    score, at = max(((rouge_l_encoded(texts[i], query), -i) for i in near), default=(0.0, 0))
    return (-at, score) if near and score >= threshold else None


def length_bounds(length: int, threshold: float) -> tuple[float, float]:
    """Returns between which lengths a text must be to reach `threshold` with one of `length`.

    From F1 <= 2 min(a, b) / (a + b).
    """
    ratio = _length_ratio(threshold)
    return length * ratio, length / ratio


def _length_ratio(threshold: float) -> float:
    """Returns how long, at the least, a text is in proportion to a near-copy of it."""
    return max(threshold - HAIR, HAIR) / (2 - threshold + HAIR)


class Pool:
    """Encoded texts in the order of arrival, with their ids; arrays grow by doubling.

    Args:
        threshold: ROUGE-L F1 from which two texts are near-copies.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._ids: list[str] = []
        self._texts = np.empty(1024, object)
        self._short: list[str] = []  # folded; "" until that is needed
        self._lengths = np.zeros(1024, np.int64)
        self._index = PrefixIndex((), _length_ratio(threshold))

    def add(self, id: str, text: str) -> int:
        """Adds a text and returns its place."""
        place = len(self._ids)
        if place == len(self._texts):
            self._texts = np.concatenate([self._texts, np.empty(place, object)])
            self._lengths = np.concatenate([self._lengths, np.zeros(place, np.int64)])
        self._ids.append(id)
        self._texts[place] = text
        self._short.append("")
        self._lengths[place] = len(text)
        return place

    def nearest(self, places: Sequence[int]) -> dict[int, tuple[str, float]]:
        """Returns the nearest earlier near-copy (id, score) of each text that has one."""
        self._renew_index()
        pairs = np.sort(np.concatenate([np.empty(0, np.int64), *self._pairs(places)]))
        asking, earlier = pairs >> 32, pairs & 0xFFFFFFFF
        texts = self._texts
        scores = _pairwise(texts[asking], texts[earlier], self._threshold)
        hits = np.flatnonzero(scores)
        bounds = np.flatnonzero(np.diff(asking[hits])) + 1
        found = {}
        for own in np.split(hits, bounds) if len(hits) else ():
            place, others = int(asking[own[0]]), earlier[own]
            copy = _nearest(scores[own], texts[place], texts[others], self._threshold)
            if copy:
                found[place] = (self._ids[others[copy[0]]], copy[1])
        return found

    def _renew_index(self) -> None:
        """Indexes the whole pool anew when comparing with what came since costs as much."""
        size = len(self._ids)
        if size - self._index.size > max(_UNINDEXED, _BALANCE * sqrt(size)):
            texts = self._texts[:size].tolist()
            self._index = PrefixIndex(texts, _length_ratio(self._threshold))

    def _pairs(self, places: Sequence[int]) -> Iterator[Pairs]:
        """Yields pairs that may be near-copies: a place << 32 | an earlier place."""
        asked = self._index.candidates(self._texts[places].tolist())
        scanned = defaultdict(list)  # from which place on -> places
        for place, others in zip(places, asked, strict=True):
            if others is not None:
                yield place << 32 | others[others < place]
            scanned[0 if others is None else self._index.size].append(place)
        for start, members in scanned.items():
            for group in self._similar_lengths(members):
                yield self._scan(group, start)

    def _scan(self, group: list[int], start: int) -> Pairs:
        """Compares texts, shortest first, with all from `start` on whose length allows a copy."""
        lengths = self._lengths[start : len(self._ids)]
        shortest, longest = self._lengths[group[0]], self._lengths[group[-1]]
        low = length_bounds(shortest, self._threshold)[0]
        high = length_bounds(longest, self._threshold)[1]
        among = np.flatnonzero((lengths >= low) & (lengths <= high)) + start
        bounds = similarities(self._folded(group), self._folded(among.tolist()), self._threshold)
        rows, columns = np.nonzero(bounds)
        asking, others = np.array(group)[rows], among[columns]
        return (asking << 32 | others)[others < asking]

    def _folded(self, places: Sequence[int]) -> list[str]:
        short = self._short
        for place in places:
            short[place] = short[place] or folded(self._texts[place])
        return [short[place] for place in places]

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
