"""Near-copies of a text in a stretch of a longer one, by exact ROUGE-L F1 of text and stretch.

Three steps, from cheap to exact:

1. The texts that have a run of `COMMON` words in common with the row, from a sorted index.
2. Of these, the ones of which enough words stand in the row in order: a near-copy needs that.
3. An alignment (Smith and Waterman 1981) that finds the best stretch. With a threshold of t tenths,
   20 points for a word in common and -t for a word of the stretch reach t points for each word
   of the text exactly if 2 LCS / (|text| + |stretch|) >= t / 10: whole numbers, no rounding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfspec_core.similarity.copies import folded

COMMON = 3
"""Length, in words, of a run that a text and a row must share to be compared any further."""

_BITS = np.uint64(21)  # a code point
_WORD = 20

Codes = NDArray[np.uint32]
Keys = NDArray[np.uint64]


class Stretches:
    """Texts to be found in rows; all are encoded, one character a word (`text.Vocabulary`).

    Args:
        texts: the texts; those shorter than `COMMON` words are never found.
        tenths: the threshold of ROUGE-L F1, in tenths.
    """

    def __init__(self, texts: Sequence[str], tenths: int = 7) -> None:
        self.texts = texts
        self._folded = np.array([*map(folded, texts), ""], object)[:-1]
        self._tenths = tenths
        lengths = np.array([*map(len, texts)], np.int64)
        self._fewest = -(-tenths * lengths // (_WORD - tenths))  # words in common at the least
        runs = [np.unique(_runs(_codes(text))) for text in texts]
        keys = np.concatenate([*runs, np.empty(0, np.uint64)])
        owners = np.repeat(np.arange(len(runs), dtype=np.int32), [len(own) for own in runs])
        order = np.argsort(keys, kind="stable")
        self._keys, self._owners = keys[order], owners[order]

    def sharing(self, row: str) -> NDArray[np.int64]:
        """Returns the texts, by number, that share a run of `COMMON` words with a row."""
        runs = np.unique(_runs(_codes(row)))
        first = np.searchsorted(self._keys, runs)
        last = np.searchsorted(self._keys, runs, "right")
        shared = [self._owners[a:b] for a, b in zip(first, last, strict=True) if a < b]
        return np.unique(np.concatenate(shared)).astype(np.int64) if shared else np.arange(0)

    def find(self, row: str, among: NDArray[np.int64]) -> int | None:
        """Returns the first of some texts that a stretch of a row is a near-copy of, or None.

        Args:
            among: numbers of texts, as `sharing` gives them.
        """
        from rapidfuzz.distance import LCSseq
        from rapidfuzz.process import cdist

        among = among[self._fewest[among] <= len(row)]
        if not len(among):
            return None
        common = cdist(
            [folded(row)], self._folded[among].tolist(), scorer=LCSseq.similarity, dtype=np.int32
        )
        codes = _codes(row)
        near: list[int] = among[common[0] >= self._fewest[among]].tolist()
        for at in near:
            if self._in_a_stretch(_codes(self.texts[at]), codes):
                return at
        return None

    def _in_a_stretch(self, text: Codes, row: Codes) -> bool:
        """Says whether a stretch of the row reaches the threshold with the text."""
        cost = self._tenths * np.arange(1, len(row) + 1)
        best = np.zeros(len(row) + 1, np.int64)  # of alignments that end at each place of the row
        for word in text.tolist():
            matched = np.where(row == word, best[:-1] + _WORD - self._tenths, 0)
            reached = np.maximum(matched, best[1:])
            best[1:] = np.maximum.accumulate(reached + cost) - cost
        return bool(best.max() >= self._tenths * len(text))


def _codes(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le"), np.uint32)


def _runs(codes: Codes) -> Keys:
    """Returns each run of `COMMON` words as one number."""
    count = max(len(codes) - COMMON + 1, 0)
    keys = np.zeros(count, np.uint64)
    for place in range(COMMON):
        keys = (keys << _BITS) | codes[place : place + count]
    return keys
