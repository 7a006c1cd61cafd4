"""The retriever `knowledge`: a domain's own passages and the user's files, searched together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from selfspec_core import Passage, Progress, Retriever, UsageError
from selfspec_core.config.tables import Table
from selfspec_core.jsonl import read_jsonl
from selfspec_core.packages import PASSAGES, package_file
from selfspec_core.places import data_folder, one_name
from selfspec_core.sources import DOMAIN_GROUP, entries
from selfspec_core.types import Indexed

if TYPE_CHECKING:
    from selfspec_plugins.knowledge.files import Document
    from selfspec_plugins.knowledge.index import Index

PASSAGES_A_MEGABYTE = 1200
"""For the progress of one large file; what it really gives is known when it is read."""

SHIPPING = 600.0
"""Seconds that a run waits for another one that brings the domain's own passages in."""


class KnowledgeSettings(Table):
    """Settings of the retriever."""

    embedding: str = Field(
        "hashed", description="`hashed`, or a local folder of a sentence-transformers model"
    )
    dense: float = Field(
        0.2, ge=0, description="weight of the vector search; BM25 has 1; 0: words alone"
    )
    folder: Path | None = Field(
        None, description="where indexes lie; default: $SELFSPEC_DATA, or the user's data folder"
    )
    chunk_words: int = Field(150, ge=20, description="most words of a passage")
    max_mb: int = Field(100, ge=1, description="largest file that is read, unpacked")


class Knowledge(Retriever):
    """Finds passages by words and by vectors, in an index that is kept between runs.

    Attributes:
        domain: name of the domain; the hook sets it.
    """

    name = "knowledge"
    summary = "BM25 and vectors over the domain's passages and your own files"
    Settings = KnowledgeSettings
    domain: ClassVar[str] = ""

    def retrieve(self, queries: Sequence[str], k: int) -> list[list[Passage]]:
        """Returns up to k passages for each query, best first."""
        self._ship(self._index)
        return [self._index.search(query, k) for query in queries]

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Returns the passages with these ids, in order."""
        return self._index.passages(ids)

    def add(
        self, paths: Sequence[Path], progress: Progress, folder: Path | None = None
    ) -> list[Indexed]:
        """Indexes files, and the files of known types in folders; see `Retriever.add`."""
        from selfspec_plugins.knowledge.files import KNOWN, found

        if folder is not None:
            self._index = self._open(folder)
        results: list[Indexed] = []

        def failed(path: Path, problem: str) -> None:
            results.append(Indexed(str(path), "failed", problem=f"{path}: {problem}"))

        passed: list[Path] = []
        files = found(paths, failed, passed.append)
        if files and passed:
            names = ", ".join(path.name for path in passed[:3]) + (", …" if passed[3:] else "")
            progress.say(f"passed over: {len(passed)} of another type ({names}); read: {KNOWN}")
        self._ship(self._index)
        with self._index.writing(), progress.stage("index", len(files), "files"):
            for path in files:
                results.append(self._put(path, progress))
                progress.advance()
        return results

    def remove(self, paths: Sequence[Path]) -> list[Indexed]:
        """Takes files out of the index; see `Retriever.remove`."""
        index, (label, _, _) = self._index, self._shipped
        rows: list[Indexed] = []
        named = [*map(one_name, paths)]
        with index.writing():
            held = index.catalogue.held()
            for path in sorted(index.catalogue.entries.keys() - {label}):
                if any(Path(path).is_relative_to(one) for one in named):
                    index.take_out(path)  # one that is out already: a kill may have left passages
                    if path in held:
                        rows.append(Indexed(path, "removed", held[path].passages))
        return rows

    def contents(self) -> list[Indexed]:
        """Returns what is in: the domain's own passages first, then files by path."""
        label, rows, _ = self._shipped
        own = [Indexed(label, "shipped", len(rows))] if rows else []
        files = [entry for path, entry in self._index.catalogue.held().items() if path != label]
        return own + [Indexed(entry.path, "added", entry.passages) for entry in files]

    def digest(self, paths: Sequence[Path] = ()) -> str:
        """Returns what identifies the passages; see `Retriever.digest`."""
        from selfspec_plugins.knowledge.files import Unreadable, found

        _, _, own = self._shipped
        if not paths:
            hashes = [entry.hash for entry in self._index.catalogue.held().values()]
        else:
            hashes = []
            for file in found(paths, lambda path, problem: None):
                with suppress(Unreadable):  # `add` is who says so
                    hashes.append(self._hash(file))
        text = "\n".join(sorted({own, *hashes}))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _put(self, path: Path, progress: Progress) -> Indexed:
        """Indexes one file, unless what it holds is in."""
        from selfspec_plugins.knowledge.catalogue import Entry
        from selfspec_plugins.knowledge.files import MEGABYTE, Unreadable, read

        index, label = self._index, str(path)
        before = index.catalogue.held().get(label)
        try:
            hash = self._hash(path)
            twins = index.catalogue.paths(hash)
            if label in twins:
                return Indexed(label, "unchanged", before.passages if before else 0)
            if twins:
                there = index.catalogue.entries[twins[0]].passages
                index.note(Entry(label, hash, there))
                return Indexed(label, "unchanged", there)
            expected = path.stat().st_size * PASSAGES_A_MEGABYTE // MEGABYTE
            with progress.stage(path.name, expected, "passages, about"):
                passages = self._cut(read(path, self.settings.max_mb), hash)
                count = 0
                for written in index.put(label, hash, passages):
                    count += written
                    progress.advance(written)
        except Unreadable as error:
            return Indexed(label, "failed", problem=str(error))
        return Indexed(label, "replaced" if before else "added", count)

    def _cut(self, documents: Iterable[Document], hash: str) -> Iterator[Passage]:
        from selfspec_plugins.knowledge.chunks import chunks

        number = 0
        for document in documents:
            for text in chunks(document.text, self.settings.chunk_words):
                yield Passage(f"{hash[:12]}-{number}", text, document.source)
                number += 1

    def _hash(self, path: Path) -> str:
        from selfspec_plugins.knowledge.files import content_hash

        return f"{content_hash(path, self.settings.max_mb)}-{self.settings.chunk_words}"

    @cached_property
    def _index(self) -> Index:
        home = self.settings.folder or data_folder()
        return self._open(home / "knowledge" / (self.domain or "none"))

    def _open(self, folder: Path) -> Index:
        from selfspec_plugins.knowledge.index import Index

        return Index(folder, self.settings.embedding, self.settings.dense)

    def _ship(self, index: Index) -> None:
        """Brings the domain's own passages in, the first time and when its package changed."""
        label, rows, hash = self._shipped

        def lacking() -> bool:
            entry = index.catalogue.entries.get(label)
            return bool(rows) and (entry is None or entry.hash != hash)

        if lacking():
            with index.writing(SHIPPING):
                if lacking():  # another run may have brought them in meanwhile
                    for _ in index.put(label, hash, rows):
                        pass

    @cached_property
    def _shipped(self) -> tuple[str, list[Passage], str]:
        """(where they are, the passages of the domain's package, a hash of them)."""
        for entry in entries(DOMAIN_GROUP):
            file = package_file(entry.module, PASSAGES) if entry.name == self.domain else None
            if file is not None:
                label = f"{entry.module.partition('.')[0]}/{PASSAGES}"
                rows = {row.id: row for row in map(_passage, read_jsonl(file, label))}
                hash = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
                return label, [*rows.values()], hash
        return "", [], ""


def _passage(line: tuple[str, dict[str, Any]]) -> Passage:
    """Returns a passage as it is shown: its title names what the text may only describe."""
    where, row = line
    for key in ("id", "text", "source"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise UsageError(f"{where}: key '{key}' must be a text")
    title = row.get("title")
    return Passage(row["id"], f"{title}: {row['text']}" if title else row["text"], row["source"])
