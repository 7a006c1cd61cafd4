"""One reader per file type: yields (text, source) pairs, paragraphs parted by line breaks."""

from __future__ import annotations

import json
import lzma
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import BinaryIO, cast
from xml.etree import ElementTree

LINE = 16 << 20
"""Bytes of the longest line of a jsonl file."""
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
"""How the parts of a Word file may be packed (OPC, ISO 29500-2, annex C)."""


class Damaged(ValueError):
    """Not what the suffix says; the text follows the file's name, so it starts with `:`."""


def unpacked(limit: int) -> Damaged:
    """Returns what says that a file unpacks to more bytes than the limit."""
    most = f"more than {limit >> 20} MB, the most that is read (components.knowledge.max_mb)"
    return Damaged(f": unpacks to {most}; split it")


def first_line(error: Exception) -> str:
    """Returns the first line of what an error says, or the name of its type if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def plain(path: Path) -> Iterator[tuple[str, str]]:
    """Yields a text file."""
    yield _text(path.read_bytes()), ""


def _text(data: bytes) -> str:
    if b"\0" in data[:8192]:
        raise Damaged(": not UTF-8 text (binary, or another encoding)")
    return data.decode("utf-8-sig")


class _Page(HTMLParser):
    """Collects what a page shows; block elements part paragraphs."""

    HIDDEN = frozenset({"script", "style", "noscript", "template", "svg"})
    INLINE = frozenset(
        "a abbr b bdi cite code em i kbd mark q s small span strong sub sup u".split()
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes a break, or that what follows is not shown."""
        self._hidden += tag in self.HIDDEN
        if tag not in self.INLINE:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Notes a break, or that what follows is shown again."""
        self._hidden -= tag in self.HIDDEN and self._hidden > 0
        if tag not in self.INLINE:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        """Takes text."""
        if not self._hidden:
            self.parts.append(" ".join(data.split("\n")))

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Skips `<![…>` of any name: HTML 5 takes it for a comment, html.parser for an error."""
        return self.parse_bogus_comment(i, False)

    def close(self) -> None:
        """Takes what is left; a tag or comment that never ends shows nothing (HTML 5, 13.2.5).

        html.parser of Python 3.11.7 looks for its end again from every `<` that follows: 30 kB of
        `<a ` took 8 s, twice as much four times as long.
        """
        if self.rawdata.startswith("<"):
            self.rawdata = ""
        super().close()


def html(path: Path) -> Iterator[tuple[str, str]]:
    """Yields what a page shows."""
    text, page = _text(path.read_bytes()), _Page()
    try:
        page.feed(text)
        page.close()
    except (AssertionError, ValueError) as error:  # html.parser's, of what it does not expect
        raise Damaged(f": not a readable html file: {first_line(error)}") from None
    yield "".join(page.parts), ""


def pdf(path: Path, limit: int) -> Iterator[tuple[str, str]]:
    """Yields a pdf file, page by page.

    Args:
        limit: most bytes to unpack, of all pages together.
    """
    from selfspec_plugins.knowledge.pdf import pages  # pypdf takes a while to import

    yield from pages(path, limit)


_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BREAKS = {f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}tab": "\t"}


class _Body:
    """Collects the text of a Word file while it is parsed; builds no tree, which has no end."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._shown = False

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Refuses entities, by which a few bytes unpack to gigabytes: OPC has none (part 2, 10.3).

        Raises:
            ValueError: always.
        """
        raise ValueError("declares a document type, which no Word file has")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Notes a break, or that what follows is text."""
        self._shown = tag == f"{_W}t"
        if tag in _BREAKS:
            self.parts.append(_BREAKS[tag])

    def end(self, tag: str) -> None:
        """Notes the end of a text or of a paragraph."""
        self._shown = False
        if tag == f"{_W}p":
            self.parts.append("\n")

    def data(self, text: str) -> None:
        """Takes text."""
        if self._shown:
            self.parts.append(text)

    def close(self) -> str:
        """Returns all text."""
        return "".join(self.parts)


def docx(path: Path, limit: int) -> Iterator[tuple[str, str]]:
    """Yields the paragraphs of a Word file, those in tables included (ECMA-376, part 1, 17.3).

    Args:
        limit: most bytes to unpack.
    """
    with path.open("rb") as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                data = _part(archive, "word/document.xml", limit)
            text = ElementTree.XML(data, ElementTree.XMLParser(target=_Body()))
        except Damaged:
            raise
        except Exception as error:  # any: the file may be broken in any way
            hint = "encrypted, or not saved as .docx?"
            raise Damaged(f": not a readable docx file ({hint}): {first_line(error)}") from None
    yield cast(str, text), ""


def _part(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Returns a part of a Word file; `limit` is of what it unpacks to, not of what it says.

    zipfile unpacks all that it has read of a part before it cuts that to the size the file says,
    and all but deflate without end: 934 bytes of bzip2 took 1.8 GB. So it is read piece by piece.
    """
    part = archive.getinfo(name)
    if part.file_size > limit:
        raise unpacked(limit)
    if part.compress_type not in _PACKED:
        raise ValueError("packed as no Word file is")
    with archive.open(part) as file:
        return b"".join(iter(lambda: file.read(1 << 16), b""))


def jsonl(path: Path) -> Iterator[tuple[str, str]]:
    """Yields `text` (after `title`, where there is one) and `source` of every line."""
    with path.open("rb") as lines:
        yield from _rows(lines)


def jsonl_xz(path: Path, limit: int) -> Iterator[tuple[str, str]]:
    """Yields what `jsonl` does.

    Args:
        limit: most bytes to unpack; a few kB may hold gigabytes. They are counted before the first
            line is read: to index them takes minutes, which a refusal at the end would undo.
    """
    with lzma.open(path) as file:
        lines, size = cast(BinaryIO, file), 0
        while block := lines.read(1 << 20):
            size += len(block)
            if size > limit:
                raise unpacked(limit)
        lines.seek(0)
        yield from _rows(lines)


def _rows(lines: BinaryIO) -> Iterator[tuple[str, str]]:
    number = 0
    while line := lines.readline(LINE + 1):
        number += 1
        if len(line) > LINE:
            raise Damaged(f":{number}: a line of more than {LINE >> 20} MB")
        if line.strip():
            yield _row(line, number)


def _row(line: bytes, number: int) -> tuple[str, str]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
        json.dumps(row, ensure_ascii=False).encode()  # half a surrogate pair cannot be stored
    except (ValueError, RecursionError) as error:
        raise Damaged(f":{number}: not valid JSON: {getattr(error, 'msg', error)}") from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        raise Damaged(f":{number}: expected an object with a string 'text'")
    title, source = row.get("title") or "", row.get("source") or ""
    if not isinstance(title, str) or not isinstance(source, str):
        raise Damaged(f":{number}: 'title' and 'source' must be strings")
    return f"{title}: {row['text']}" if title else row["text"], source
