"""The two searches as LlamaIndex retrievers, and the one that fuses them by reciprocal rank."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from selfspec_plugins.knowledge.bm25 import Bm25
from selfspec_plugins.knowledge.embedding import Embedding

CONSTANT = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Buettcher 2009)."""


def _node(id: str, score: float) -> NodeWithScore:
    """Returns a node without its text: texts are looked up once, for the few that remain."""
    return NodeWithScore(node=TextNode(id_=id, text=""), score=score)


class WordRetriever(BaseRetriever):
    """Passages that share words with the query."""

    def __init__(self, bm25: Bm25, count: int) -> None:
        self._bm25, self._count = bm25, count
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._bm25.top(query_bundle.query_str, self._count)
        return [_node(id, score) for id, score in found]


class VectorRetriever(BaseRetriever):
    """Passages whose vectors in a Chroma collection are nearest to the query's.

    What the word search found is compared too, exactly: a passage that Chroma's graph missed
    would else lose in the fusion to one that it did not miss.
    """

    def __init__(
        self, collection: Any, embedding: Embedding, count: int, bm25: Bm25 | None = None
    ) -> None:
        self._collection, self._embedding, self._count = collection, embedding, count
        self._bm25 = bm25
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        vector = self._embedding.query(query_bundle.query_str)
        if not any(vector):
            return []
        found = self._collection.query([vector], n_results=self._count, include=["distances"])
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        scores = {id: 1 - distance for id, distance in pairs}
        others = self._bm25.top(query_bundle.query_str, self._count) if self._bm25 else []
        scores.update(self._compared(vector, [id for id, _ in others if id not in scores]))
        return [_node(id, scores[id]) for id in sorted(scores, key=lambda id: (-scores[id], id))]

    def _compared(self, vector: Sequence[float], ids: list[str]) -> dict[str, float]:
        """Returns the cosine of the query's vector and each passage's."""
        if not ids:
            return {}
        rows = self._collection.get(ids=ids, include=["embeddings"])
        vectors, query = np.asarray(rows["embeddings"]), np.asarray(vector)
        lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
        cosines = vectors @ query / np.maximum(lengths, 1e-12)
        return dict(zip(rows["ids"], cosines.tolist(), strict=True))


class FusedRetriever(BaseRetriever):
    """Adds up weight / (60 + rank) over the retrievers; 1 is first place in all of them."""

    def __init__(self, retrievers: Sequence[tuple[BaseRetriever, float]], count: int) -> None:
        self._retrievers = [(one, weight) for one, weight in retrievers if weight > 0]
        self._count = count
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        scores: dict[str, float] = defaultdict(float)
        whole = sum(weight for _, weight in self._retrievers)
        for retriever, weight in self._retrievers:
            for rank, found in enumerate(retriever.retrieve(query_bundle), 1):
                scores[found.node.node_id] += weight / whole * (CONSTANT + 1) / (CONSTANT + rank)
        best = sorted(scores, key=lambda id: (-scores[id], id))[: self._count]
        return [_node(id, scores[id]) for id in best]
