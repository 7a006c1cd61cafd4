"""Reads pdf files; what a file costs is counted while pypdf draws it, and bounded.

A form (ISO 32000-1, 8.10) is content that a page, or another form, draws by its name: a few hundred
bytes that draw forms in forms unpack to as much text as one likes. So each counts at every drawing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pypdf import PageObject, PdfReader, apply_configuration
from pypdf.errors import LimitReachedError

from selfspec_plugins.knowledge.formats import Damaged, first_line, unpacked

_SHOWS = re.compile(rb"T[jJ]|Do|['\"]")
"""What content holds that shows text, or draws a form (ISO 32000-1, tables 87 and 109)."""

_STREAMS = ("zlib", "lzw", "run_length", "brotli", "array_based_stream")


def pages(path: Path, limit: int) -> Iterator[tuple[str, str]]:
    """Yields (text, "") of every page.

    Args:
        limit: most bytes of content, most characters of text, and most operations, of all pages.

    Raises:
        Damaged: if the file is broken or encrypted, or the limit is passed.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it warns of what it can mend
    bounds: dict[str, Any] = {f"{name}_maximum_output_length": limit for name in _STREAMS}
    # pypdf would leave out, without a word, what a page draws after 5,000 forms.
    bounds["xform_maximum_invocations_per_extraction"] = limit
    meter = _Meter(limit)
    try:
        with apply_configuration(**bounds):
            reader = PdfReader(path)
            if reader.is_encrypted and not reader.decrypt(""):
                raise Damaged(": is encrypted; save it without its password first")
            numbers = range(len(reader.pages))
        for number in numbers:
            with apply_configuration(**bounds):
                text = _Page(reader.pages[number], meter).text()
            yield text, ""
    except _Exceeded:
        raise unpacked(limit) from None
    except (Damaged, OSError):
        raise
    except Exception as error:  # any: the file may be broken in any way
        if "cryptography" in str(error):
            raise Damaged(": is encrypted; save it without its encryption first") from None
        raise Damaged(f": not a readable pdf file: {first_line(error)}") from None


class _Exceeded(BaseException):
    """The limit is passed.

    No Exception: pypdf takes one that is raised within a form for a broken form, and goes on.
    """


class _Meter:
    """Counts bytes of content, characters of text and operations, each up to a limit.

    An operation is the unit of work, about 10 µs. Other work is told in it: to set a form or a
    font up, to parse a font's /ToUnicode, and to show text, for which pypdf copies what the page
    has shown so far.
    """

    SETUP = 64
    """Operations that a form or a font counts for."""
    PARSED = 16
    """Bytes of a /ToUnicode that count for an operation."""
    COPIED = 1 << 16
    """Characters of text on the page that count for an operation."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = self._text = self._work = 0
        self._before = 0  # text of the pages before
        self._pending = 0  # bytes that are shown, but not told to `text` yet
        self._widest = 1  # characters that a byte is shown as: a /ToUnicode may say more
        self._maps: dict[int, tuple[Any, int]] = {}

    def page(self) -> None:
        """Begins a page."""
        self._before, self._pending = self._text, 0

    def part(self, part: Any, content: Callable[[], Any]) -> bool:
        """Counts what a page or a form is drawn from.

        Args:
            content: gets its content stream.

        Returns:
            Whether it may show text.
        """
        self._work += self.SETUP
        data = b""
        try:
            stream = content()
            data = stream.get_data() if stream is not None else b""
            self._bytes += len(data)
            fonts = part.get_inherited("/Resources", {}).get("/Font", {}).get_object()
            for name in fonts:
                self._font(fonts, name)
        except LimitReachedError:
            raise _Exceeded from None
        except Exception:  # any: a part may be broken in any way
            if not data:
                return True  # which leaves it to pypdf
        self._check()
        return _SHOWS.search(data) is not None

    def _font(self, fonts: Any, name: str) -> None:
        self._work += self.SETUP
        try:
            stream = fonts[name]["/ToUnicode"]
            data = stream.get_data()
        except LimitReachedError:
            raise
        except Exception:  # any: it has none, or a broken one
            return
        if id(stream) not in self._maps:  # which holds the stream: its id stays its own
            widest = max((len(found) // 4 for found in re.findall(rb"<[^>]*", data)), default=0)
            self._maps[id(stream)] = stream, widest
        self._widest = max(self._widest, self._maps[id(stream)][1])
        self._work += len(data) // self.PARSED
        self._check()

    def operation(self, operator: bytes, operands: Any, *matrices: Any) -> None:
        """Counts an operation that is about to be done (pypdf's `visitor_operand_before`)."""
        if operator in (b"Tj", b"TJ", b"'", b'"') and operands:
            rows = [x if isinstance(x, list) else [x] for x in operands]
            texts = (x for row in rows for x in row if isinstance(x, (str, bytes)))
            self._pending += sum(len(x) + 1 for x in texts)
        self._work += 1 + (self._most() - self._before) // self.COPIED
        self._check()

    def text(self, text: str, *where: Any) -> None:
        """Counts text that was shown (pypdf's `visitor_text`)."""
        self._text += len(text)
        self._pending = 0
        self._check()

    def _most(self) -> int:
        return self._text + self._pending * self._widest

    def _check(self) -> None:
        if max(self._bytes, self._most(), self._work) > self._limit:
            raise _Exceeded


class _Page(PageObject):
    """A page that tells a meter what is drawn."""

    def __init__(self, page: PageObject, meter: _Meter) -> None:
        super().__init__(page.pdf, page.indirect_reference)
        self.update(page)
        self._meter = meter

    def text(self) -> str:
        """Returns the text of the page."""
        meter = self._meter
        meter.page()
        if not meter.part(self, self.get_contents):
            return ""
        return self.extract_text(visitor_operand_before=meter.operation, visitor_text=meter.text)

    def extract_xform_text(self, xform: Any, *args: Any, **keys: Any) -> str:
        """Counts a form, then does what pypdf does: it comes here at every drawing."""
        if not self._meter.part(xform, lambda: xform):
            return ""
        return super().extract_xform_text(xform, *args, **keys)
