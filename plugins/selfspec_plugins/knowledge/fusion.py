"""The search by vectors, and the fusion of several searches by reciprocal rank.

A search gives (id, score) pairs, best first; that by words is `bm25.Bm25.top`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from selfspec_plugins.knowledge.embedding import Embedding
from selfspec_plugins.knowledge.store import Store

CONSTANT = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""


def fuse(rankings: Sequence[tuple[Sequence[str], float]], count: int) -> list[tuple[str, float]]:
    """Returns up to `count` (id, score) pairs, best first; ties are broken by id.

    Args:
        rankings: ids, best first, each list with its weight, more than 0.

    Returns:
        Each id with its weight / (60 + rank), added up over the rankings and scaled: 1 is first
        place in all of them. It says nothing of how well a passage fits.
    """
    scores: dict[str, float] = defaultdict(float)
    whole = sum(weight for _, weight in rankings)
    for ids, weight in rankings:
        for rank, id in enumerate(ids, 1):
            scores[id] += weight / whole * (CONSTANT + 1) / (CONSTANT + rank)
    return _ordered(scores)[:count]


class VectorSearch:
    """Passages whose vectors in a store are nearest to the query's."""

    def __init__(self, store: Store, embedding: Embedding) -> None:
        self._store, self._embedding = store, embedding

    def top(self, query: str, count: int, also: Sequence[str] = ()) -> list[tuple[str, float]]:
        """Returns (id, cosine) pairs, best first: the nearest `count` and those of `also`.

        Args:
            also: ids of what another search found. They are compared too, exactly: a passage that
                Chroma's graph missed would else lose in the fusion to one that it did not miss.
        """
        vector = self._embedding.query(query)
        if not any(vector):
            return []
        scores = dict(self._store.nearest(vector, count))
        scores.update(self._compared(vector, [id for id in also if id not in scores]))
        return _ordered(scores)

    def _compared(self, vector: Sequence[float], ids: list[str]) -> dict[str, float]:
        """Returns the cosine of the query's vector and each passage's."""
        if not ids:
            return {}
        rows = self._store.get(ids=ids, include=["embeddings"])
        vectors, query = np.asarray(rows["embeddings"]), np.asarray(vector)
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
        cosines = vectors @ query / np.maximum(lengths, 1e-12)
        return dict(zip(rows["ids"], cosines.tolist(), strict=True))


def _ordered(scores: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
