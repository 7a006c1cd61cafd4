"""The passages of an index with their vectors: one Chroma collection in a folder."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from selfspec_core import SelfspecError
from selfspec_plugins.knowledge.formats import first_line

_HNSW: dict[str, Any] = {
    "space": "cosine",
    "max_neighbors": 32,
    "ef_construction": 200,
    "ef_search": 500,
    "sync_threshold": 5000,
}
"""Finds 98 % of the nearest 50 among 8,000 passages; with 16 neighbours and 200, 89 %."""


class Store:
    """A Chroma collection, closed when nobody holds it any more.

    Every method raises SelfspecError naming the folder if Chroma refuses: a full disk, a file
    that another program took away.

    Args:
        home: folder of the index; the collection lies in `chroma/` in it, made if missing.
    """

    def __init__(self, home: Path) -> None:
        import chromadb
        from chromadb.config import Settings

        self._home = home
        home.mkdir(parents=True, exist_ok=True)
        # Chroma knows a database by the text of its path, so that text has to be the whole path:
        # after a change of folder the same relative one would get it the other's database.
        path = str((home / "chroma").resolve())
        with self._answering():
            client: Any = chromadb.PersistentClient(path, Settings(anonymized_telemetry=False))
            weakref.finalize(self, client.close)
            self._rows = client.get_or_create_collection(
                "passages", embedding_function=None, configuration={"hnsw": cast(Any, _HNSW)}
            )
            self._rows.count()  # an unreadable database may open all the same

    def count(self) -> int:
        """Returns the number of passages."""
        with self._answering():
            return int(self._rows.count())

    def get(self, include: Sequence[str] = (), **what: Any) -> dict[str, Any]:
        """Returns the columns asked for, and `ids`, of the rows with `ids=` or `where=`, or all."""
        with self._answering():
            return cast(dict[str, Any], self._rows.get(include=cast(Any, list(include)), **what))

    def upsert(self, **columns: Any) -> None:
        """Writes rows, given as columns; one with an id that is there takes its place."""
        with self._answering():
            self._rows.upsert(**columns)

    def delete(self, where: dict[str, Any]) -> None:
        """Removes the rows with this metadata."""
        with self._answering():
            self._rows.delete(where=where)

    def nearest(self, vector: Sequence[float], count: int) -> list[tuple[str, float]]:
        """Returns (id, cosine) of the nearest rows, best first; approximately the nearest."""
        with self._answering():
            found: Any = self._rows.query([vector], n_results=count, include=["distances"])
        pairs = zip(found["ids"][0], found["distances"][0], strict=True)
        return [(id, 1 - distance) for id, distance in pairs]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        from chromadb.errors import ChromaError

        try:
            yield
        except ChromaError as error:
            raise SelfspecError(
                f"{self._home}: the index cannot be used ({first_line(error)}); if the disk has "
                "room, may be written to and nobody else uses the folder, remove it and add the "
                "files again"
            ) from None
