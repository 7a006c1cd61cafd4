"""Words, compared texts and ROUGE-L: what novelty and contamination are measured with.

And which characters of a text a terminal would act on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

_SINGLE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and Han: no spaces between
_WORD = re.compile(f"[{_SINGLE}]|[^\\W_{_SINGLE}]+")
_ASCII = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
SHORT = 45
"""Words of instruction and input that a short seed or item has at most."""

_SURROGATES = range(0xD800, 0xE000)
_CODE_POINTS = 0x110000
_ACTED_ON = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"  # invisible, yet part of words in some scripts


def words(text: str) -> list[str]:
    """Returns the lower-cased words of `text`.

    A word is a run of Unicode letters and digits; everything else (also `_`, `'` and the decimal
    point) separates. Full-width and ligature forms count as their plain ones (NFKC), invisible
    characters as nothing, HTML entities as what they stand for. Han characters and kana, which are
    written without spaces, are a word each.
    """
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if not _invisible(c))
    if "&" in text:
        import html  # a large table that few texts need

        text = html.unescape(text)
    if text.isascii():  # the same words in a third of the time
        return text.translate(_ASCII).split()
    return _WORD.findall(text.lower())


def _invisible(char: str) -> bool:
    """Soft hyphens, zero-width spaces and the like: they part no words."""
    return unicodedata.category(char) == "Cf"


def unprintable(text: str) -> str | None:
    """Returns the first character that a terminal would act on rather than print, as `U+202E`.

    Those are controls, line and paragraph separators, halves of surrogate pairs, and invisible
    formatting such as changes of direction, but not the joiners that some scripts write with.
    """
    for char in text:
        if unicodedata.category(char) in _ACTED_ON and char not in _JOINERS:
            return f"U+{ord(char):04X}"
    return None


def within_reach(instruction: str, input: str) -> bool:
    """Says whether a seed or item is short enough for a very small model."""
    return len(f"{instruction} {input}".split()) <= SHORT


def compared_text(instruction: str, input: str, fixed: Collection[str]) -> str:
    """Returns the text of a row that novelty and contamination compare.

    That is instruction and input, minus the instruction if it stands verbatim in `fixed`: many
    rows share a task's wording without being copies of one another.

    Args:
        fixed: instructions of seeds, tasks and benchmarks, without outer white space.
    """
    instruction = instruction.strip()
    return input.strip() if instruction in fixed else f"{instruction}\n{input}".strip()


class _Codes(dict[str, str]):
    """The character of each word; one that is met for the first time gets the next."""

    def __missing__(self, token: str) -> str:
        number = len(self) + 1
        if number >= _SURROGATES.start:
            number += len(_SURROGATES)
        if number >= _CODE_POINTS:
            raise OverflowError("more different words than Unicode has code points")
        return self.setdefault(token, chr(number))


class Vocabulary:
    """Writes texts as strings with one character a word, so that rapidfuzz can compare them.

    Words are numbered in the order in which they are met; surrogates, which no string may hold,
    are skipped.
    """

    def __init__(self) -> None:
        self._codes = _Codes()

    def encode(self, text: str) -> str:
        """Returns one character per word of `text`."""
        return self.encode_words(words(text))

    def encode_words(self, tokens: Sequence[str]) -> str:
        """Returns one character per token.

        Raises:
            OverflowError: beyond 1,112,063 different words.
        """
        return "".join(map(self._codes.__getitem__, tokens))


def rouge_l_encoded(a: str, b: str) -> float:
    """Returns the ROUGE-L F1 of two encoded texts by the classic formula (Lin 2004).

    The same arithmetic, and so the same rounding, as `rouge_score`: precision and recall first.
    """
    from rapidfuzz.distance import LCSseq

    common = LCSseq.similarity(a, b)
    if not common:
        return 0.0
    precision, recall = common / len(b), common / len(a)
    return 2 * precision * recall / (precision + recall)


def rouge_l(a: str, b: str) -> float:
    """Returns the ROUGE-L F1 of two texts, in [0, 1]; 0 if either has no words."""
    vocabulary = Vocabulary()
    return rouge_l_encoded(vocabulary.encode(a), vocabulary.encode(b))
