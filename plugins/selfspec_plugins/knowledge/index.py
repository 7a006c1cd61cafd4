"""An index on disk: passages with their vectors in a Chroma collection, words in a BM25 index.

What is in is said by the catalogue, where a file stands once all of its passages are written.
Passage ids come from the content, so that writing twice changes nothing: after a kill at any
instant, adding again completes what is missing.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TypeVar

from selfspec_core import Passage
from selfspec_core.files import sync
from selfspec_core.locks import Lock
from selfspec_plugins.knowledge.bm25 import Bm25
from selfspec_plugins.knowledge.catalogue import Catalogue, Entry, damaged
from selfspec_plugins.knowledge.embedding import Embedding, embedding_key
from selfspec_plugins.knowledge.files import Unreadable
from selfspec_plugins.knowledge.fusion import VectorSearch, fuse
from selfspec_plugins.knowledge.store import Store

BATCH = 500
CANDIDATES = 50
"""Passages that each search contributes to the fusion, or k if that is more."""

T = TypeVar("T")


class Index:
    """One index, in a folder of its own for each embedding."""

    def __init__(self, folder: Path, embedding: str, dense: float) -> None:
        self.folder = folder / embedding_key(embedding)
        self._setting, self._dense = embedding, dense
        self.catalogue = Catalogue(self.folder / "files.jsonl")

    @contextmanager
    def writing(self, patience: float = 0.0) -> Iterator[None]:
        """Holds the index for one writer; brings the BM25 index up to date at the end.

        Args:
            patience: seconds to wait for another process that is writing it.

        Raises:
            SelfspecError: if it still is.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = Lock(self.folder)
        lock.acquire(patience)
        try:
            self.catalogue = Catalogue(self.folder / "files.jsonl")
            yield
            if not self._words_file.exists():
                Bm25.build(self._texts()).save(self._words_file)
                self.__dict__.pop("_searches", None)
        finally:
            lock.release()

    def put(self, path: str, hash: str, passages: Iterable[Passage]) -> Iterator[int]:
        """Writes the passages of a file in place of those it had; yields how many, as it goes.

        Passages that are there from an interrupted attempt are not written again.
        """
        self.__dict__.pop("_searches", None)
        store = self._store
        self._forget_words()
        count = 0
        try:
            for batch in _batched(passages, BATCH):
                self._write(batch, path, hash)
                count += len(batch)
                yield len(batch)
        except Unreadable:  # the file is broken further down: nothing of it goes in
            store.delete(where={"file": hash})
            raise
        self.note(Entry(path, hash, count))

    def _write(self, batch: Sequence[Passage], path: str, hash: str) -> None:
        """Writes those of a batch that are not there yet."""
        there = self._store.get(ids=[p.id for p in batch], include=["metadatas"])
        rows = zip(there["ids"], there["metadatas"], strict=True)
        done = {id for id, meta in rows if meta["file"] == hash}
        new = [passage for passage in batch if passage.id not in done]
        if new:
            self._store.upsert(
                ids=[p.id for p in new],
                documents=[p.text for p in new],
                embeddings=self._embedding.texts([p.text for p in new]),
                metadatas=[{"file": hash, "path": path, "source": p.source} for p in new],
            )

    def note(self, entry: Entry) -> None:
        """Notes a file that is in; what it held before goes, unless another file holds it.

        That includes what an interrupted attempt left of a content that has changed since.
        """
        other = {"$and": [{"path": entry.path}, {"file": {"$ne": entry.hash}}]}
        before = self._store.get(where=other, include=["metadatas"])["metadatas"]
        for hash in sorted({meta["file"] for meta in before}):
            if not set(self.catalogue.paths(hash)) - {entry.path}:
                self._forget_words()
                self._store.delete(where={"file": hash})
        self.catalogue.add(entry)

    def take_out(self, path: str) -> None:
        """Removes a file, and its passages unless another file holds them.

        The catalogue says so first: after a kill, taking it out again completes it.
        """
        self.__dict__.pop("_searches", None)
        self._forget_words()
        gone = Entry(path, "", 0)
        self.catalogue.add(gone)
        self.note(gone)

    def _forget_words(self) -> None:
        """Removes the BM25 index, for good: from here on it is no longer true."""
        shutil.rmtree(self._words_file, ignore_errors=True)
        sync(self.folder)

    def search(self, query: str, k: int) -> list[Passage]:
        """Returns up to k passages, best first; a score of 1 is first place in both searches."""
        count = self._store.count()
        if not count or not k:
            return []
        bm25, vectors = self._searches
        candidates = min(max(CANDIDATES, k), count)
        found = [id for id, _ in bm25.top(query, candidates)]
        rankings = [(found, 1.0)]
        if self._dense:
            near = vectors.top(query, candidates, also=found)
            rankings.append(([id for id, _ in near], self._dense))
        scores = dict(fuse(rankings, k))
        return self.passages(list(scores), scores)

    def passages(self, ids: Sequence[str], scores: dict[str, float] | None = None) -> list[Passage]:
        """Returns the passages with these ids, in order; one that has gone is left out."""
        if not ids:
            return []
        rows = self._store.get(ids=list(set(ids)), include=["documents", "metadatas"])
        columns = zip(rows["ids"], rows["documents"], rows["metadatas"], strict=True)
        found = {
            id: Passage(id, text, self._source(meta), round((scores or {}).get(id, 0.0), 4))
            for id, text, meta in columns
        }
        return [found[id] for id in ids if id in found]

    def _source(self, meta: dict[str, str]) -> str:
        return meta["source"] or next(iter(self.catalogue.paths(meta["file"])), meta["path"])

    @property
    def _words_file(self) -> Path:
        return self.folder / "words"

    @cached_property
    def _embedding(self) -> Embedding:
        return Embedding(self._setting)

    @cached_property
    def _store(self) -> Store:
        store = Store(self.folder)
        if any(entry.passages for entry in self.catalogue.held().values()) and not store.count():
            raise damaged(self.folder, "it holds no passage")
        return store

    @cached_property
    def _searches(self) -> tuple[Bm25, VectorSearch]:
        """By words, its index made anew if an `add` is under way or was cut off; by vectors."""
        bm25 = Bm25.load(self._words_file) or Bm25.build(self._texts())
        self._embedding.weight = bm25.weight
        return bm25, VectorSearch(self._store, self._embedding)

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Yields (id, text) of every passage, ordered by id."""
        for ids in _batched(sorted(self._store.get()["ids"]), 2 * BATCH):
            rows = self._store.get(ids=list(ids), include=["documents"])
            yield from sorted(zip(rows["ids"], rows["documents"], strict=True))


def _batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(rows)
    while batch := list(islice(rest, size)):
        yield batch
