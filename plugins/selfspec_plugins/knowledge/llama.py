"""Our retrievers in a LlamaIndex application; with the default embedding we need none of it."""

from __future__ import annotations

from typing import Any

from selfspec_core import Retriever, UsageError


def llama_index_retriever(retriever: Retriever, k: int) -> Any:
    """Returns a LlamaIndex `BaseRetriever` that finds what a retriever of ours does.

    Args:
        retriever: such as `Knowledge(KnowledgeSettings(folder=Path("index")))`, with files added.
        k: passages for a query.

    Returns:
        For instance for `RetrieverQueryEngine(llama_index_retriever(knowledge, 5))`. Its nodes
        have the passage's id, text and score, and its source in `metadata`.

    Raises:
        UsageError: if LlamaIndex is not installed.
    """
    try:
        from llama_index.core.retrievers import BaseRetriever
        from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
    except ImportError:
        raise UsageError("a LlamaIndex retriever needs: pip install llama-index-core") from None

    class PassageRetriever(BaseRetriever):
        def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
            [found] = retriever.retrieve([query_bundle.query_str], k)
            return [
                NodeWithScore(
                    node=TextNode(id_=one.id, text=one.text, metadata={"source": one.source}),
                    score=one.score,
                )
                for one in found
            ]

    return PassageRetriever()
