"""Which files are meant, and what is in them: documents, one at a time, or one line that says why
not.
"""

from __future__ import annotations

import hashlib
import lzma
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfspec_core import SelfspecError
from selfspec_core.places import one_name
from selfspec_plugins.knowledge import formats

MEGABYTE = 1 << 20


class Unreadable(SelfspecError):
    """A file that cannot go in: names it, what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text to index.

    Attributes:
        source: what the text says about where it is from; "": the file is all there is to say.
        id: the passage's own id, for texts that must not be cut into passages; "": none.
    """

    text: str
    source: str = ""
    id: str = ""


READERS: dict[str, Callable[[Path], Iterator[tuple[str, str]]]] = {
    ".txt": formats.plain,
    ".md": formats.plain,
    ".html": formats.html,
    ".htm": formats.html,
    ".jsonl": formats.jsonl,
}
"""Suffix -> reader, which yields (text, source) pairs."""

UNPACKERS: dict[str, Callable[[Path, int], Iterator[tuple[str, str]]]] = {
    ".docx": formats.docx,
    ".pdf": formats.pdf,
    ".jsonl.xz": formats.jsonl_xz,
}
"""The same of files that are larger than they look; told how many bytes to unpack at most."""

KNOWN = "txt, md, html, pdf, docx, jsonl, jsonl.xz"


def suffix_of(path: Path) -> str:
    """Returns the suffix that says how to read a file, or "" if none does."""
    name = path.name.lower()
    known = sorted([*READERS, *UNPACKERS], key=len, reverse=True)
    return next((suffix for suffix in known if name.endswith(suffix)), "")


def found(
    paths: Sequence[Path],
    failed: Callable[[Path, str], Any],
    passed: Callable[[Path], Any] = lambda path: None,
) -> list[Path]:
    """Returns the files to read: those named, and those of a known type in the folders named.

    Args:
        failed: is told of each path that leads to nothing, and why.
        passed: is told of each file in a folder whose type is not known.
    """
    files: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            within = list(_within(path, failed, passed))
            if not within:
                failed(path, f"holds no file of a known type: {KNOWN}")
            files.update(dict.fromkeys(within))
        elif not path.exists():
            failed(path, "no such file or folder")
        elif not path.is_file():
            failed(path, "neither a file nor a folder")
        elif not suffix_of(path):
            failed(path, f"unknown type '{path.suffix}'; these are read: {KNOWN}")
        else:
            files[one_name(path)] = None
    return list(files)


def _within(
    folder: Path, failed: Callable[[Path, str], Any], passed: Callable[[Path], Any]
) -> Iterator[Path]:
    def refused(error: OSError) -> None:
        failed(Path(error.filename), str(error.strerror).lower())

    for here, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            if name.startswith(".") or not path.is_file():
                continue
            if suffix_of(path):
                yield one_name(path)
            else:
                passed(path)


def content_hash(path: Path, max_mb: int) -> str:
    """Returns the first 16 hex digits of the SHA-256 of a file's bytes.

    Raises:
        Unreadable: if the file is empty, too large, or may not be read.
    """
    try:
        size = path.stat().st_size
        if size > max_mb * MEGABYTE:
            limit = f"at most {max_mb} MB are read (components.knowledge.max_mb)"
            raise Unreadable(f"{path}: has {size // MEGABYTE} MB; {limit}; split it")
        if not size:
            raise Unreadable(f"{path}: is empty")
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:
        raise Unreadable(f"{path}: {str(error.strerror).lower()}") from None


def read(path: Path, max_mb: int) -> Iterator[Document]:
    """Yields the documents of a file.

    Args:
        max_mb: most megabytes of text that a packed file may hold.

    Raises:
        Unreadable: naming the file (and line), if it is damaged, encrypted, without text, or
            unpacks to more.
    """
    empty, suffix = True, suffix_of(path)
    try:
        unpack = UNPACKERS.get(suffix)
        rows = unpack(path, max_mb * MEGABYTE) if unpack else READERS[suffix](path)
        for text, source in rows:
            if text.strip():
                empty = False
                yield Document(text, source)
    except formats.Damaged as error:
        raise Unreadable(f"{path}{error}") from None
    except UnicodeDecodeError as error:
        wrong = f"not UTF-8 text at byte {error.start} of its part (binary, or another encoding)"
        raise Unreadable(f"{path}: {wrong}") from None
    except (lzma.LZMAError, EOFError) as error:
        raise Unreadable(f"{path}: not a readable .xz file: {error}") from None
    except OSError as error:
        raise Unreadable(f"{path}: {str(error.strerror or error).lower()}") from None
    if empty:
        raise Unreadable(f"{path}: holds no text")
