"""How varied a round's instructions are, in numbers that fall or rise when variety collapses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from sys import intern
from typing import TYPE_CHECKING, Protocol

from selfspec_core.similarity.text import Vocabulary, compared_text, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEW = 3
"""Words in the n-grams whose novelty is counted: shorter ones are mostly grammar."""

MOST = 5000
"""Texts whose nearest is looked for; the mean over so many is within 0.01 of the mean over all."""

_BLOCK = 256
_BITS = 21
"""Bits of a code point."""

_FEW = 16
"""Nearest by the folded bound that are compared exactly first; nearly always enough."""


class Asking(Protocol):
    """Anything with an instruction and an input."""

    @property
    def instruction(self) -> str:
        """The instruction."""

    @property
    def input(self) -> str:
        """The input."""


def diversity(rows: Sequence[Asking], before: Sequence[Asking]) -> dict[str, float]:
    """Returns the numbers of a round; empty where there are no rows.

    Compared is the text that novelty compares: instruction and input, minus an instruction that
    stands verbatim in `before`. Of two rounds only numbers over about as many texts can be
    compared: all but `new_ngrams` depend on how many there are.

    Args:
        rows: what the round accepted.
        before: seeds, and what earlier rounds accepted.

    Returns:
        `texts`: how many; `distinct_1`, `distinct_2`: different words and pairs of words per word
        and pair (distinct-n, Li et al. 2016, arXiv 1510.03055); `new_ngrams`: share of the
        different runs of three words that stand nowhere in `before`; `nearest_mean`: mean ROUGE-L
        F1 of a text and the one most like it in the round (see `nearest`).
    """
    if not rows:
        return {}
    fixed = frozenset(row.instruction.strip() for row in before)
    texts, known = ([_words(row, fixed) for row in some] for some in (rows, before))
    numbers = {
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "new_ngrams": new_ngrams(texts, known, NEW),
        "nearest_mean": _mean(nearest(texts)),
    }
    return {"texts": len(texts), **{name: round(value, 4) for name, value in numbers.items()}}


def _words(row: Asking, fixed: Collection[str]) -> list[str]:
    """Returns the words compared; a word that many texts hold is one object in memory."""
    return [*map(intern, words(compared_text(row.instruction, row.input, fixed)))]


def distinct(texts: Sequence[Sequence[str]], n: int) -> float:
    """Returns different n-grams per n-gram, in [0, 1]; 0 where there is none.

    Args:
        n: words in an n-gram, at most 3.
    """
    vocabulary = Vocabulary()
    grams = _grams([vocabulary.encode_words(text) for text in texts], n)
    return len(_different(grams)) / len(grams) if len(grams) else 0.0


def new_ngrams(texts: Sequence[Sequence[str]], before: Sequence[Sequence[str]], n: int) -> float:
    """Returns the share of the different n-grams of `texts` that `before` does not have."""
    import numpy as np

    vocabulary = Vocabulary()
    own, known = (
        _different(_grams([vocabulary.encode_words(text) for text in some], n))
        for some in (texts, before)
    )
    return int(np.isin(own, known, invert=True).sum()) / len(own) if len(own) else 0.0


def nearest(texts: Sequence[Sequence[str]]) -> list[float]:
    """Returns each text's ROUGE-L F1 with the other text most like it; 0 for a lone text.

    Of more than `MOST` texts, `MOST` at even distances stand for all: each is compared with every
    other, so that the time grows with the number of texts and not with its square.

    Exact, and batched: texts folded to 256 characters are compared first, which bounds what the
    texts themselves can have from above (see `selfspec_core.similarity.copies`).
    """
    from selfspec_core.similarity.copies import folded, similarities

    vocabulary = Vocabulary()
    encoded = [vocabulary.encode_words(text) for text in texts]
    short = [folded(text) for text in encoded]
    asked = [place * len(texts) // MOST for place in range(MOST)]
    asked = asked if len(texts) > MOST else list(range(len(texts)))
    best = []
    for start in range(0, len(asked), _BLOCK):
        rows = asked[start : start + _BLOCK]
        bounds = similarities([short[row] for row in rows], short, 0.0)
        for row, own in zip(rows, bounds, strict=True):
            own[row] = -1.0  # itself
            best.append(_most_like(encoded, row, own) if encoded[row] else 0.0)
    return best


def _most_like(encoded: Sequence[str], row: int, bounds: NDArray[np.float64]) -> float:
    """Returns a text's highest similarity to another, given what each can have at most."""
    import numpy as np

    from selfspec_core.similarity.copies import similarities

    few = min(_FEW, len(bounds))
    first = np.argpartition(-bounds, few - 1)[:few]
    found = max(0.0, float(similarities([encoded[row]], _of(encoded, first, row), 0.0).max()))
    rest = np.flatnonzero(bounds > found)
    rest = rest[~np.isin(rest, first)]
    if len(rest):  # seldom
        found = max(found, float(similarities([encoded[row]], _of(encoded, rest, row), 0.0).max()))
    return found


def _of(encoded: Sequence[str], places: NDArray[np.intp], but: int) -> list[str]:
    """Returns the texts at these places; in the place of the one they are compared with, none."""
    return [encoded[place] if place != but else "" for place in places.tolist()]


def _grams(encoded: Sequence[str], n: int) -> NDArray[np.uint64]:
    """Returns the n-grams of encoded texts, each packed into one number: n is at most 3."""
    import numpy as np

    codes = np.frombuffer("\0".join(encoded).encode("utf-32-le"), np.uint32).astype(np.uint64)
    count = max(len(codes) - n + 1, 0)
    packed, whole = np.zeros(count, np.uint64), np.ones(count, bool)
    for place in range(n):
        word = codes[place : place + count]
        packed = (packed << np.uint64(_BITS)) | word
        whole &= word > 0  # no n-gram reaches from one text into the next
    return packed[whole]


def _different(grams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    import numpy as np

    return np.unique(grams)


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else 0.0
