"""An exact index of which texts may be near-copies of a text: those that share rare words with it.

ROUGE-L F1 >= t of texts of m and n words means 2 LCS >= t (m + n), and a common subsequence is made
of common words. As F1 <= 2 n / (m + n), n is at least t m / (2 - t), so near-copies have at least
a = ceil(t m / (2 - t)) words in common, each counted as often as both have it, whatever n is. Let
all words stand in one fixed order, the rare ones first. At most a - k of the common words come
after the k-th of them, so the first k are among the first m - a + k words of the one text, and
likewise of the other. Only these, its prefix, are indexed (prefix filtering, Chaudhuri et al. 2006;
with k > 1, Wang et al. 2012). What most texts have in common are frequent words, which are in few
prefixes.

A word that both prefixes hold several times is counted too often: that loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

COMMON = 3
"""Words that two prefixes must share (k above), or all that near-copies must, if that is less."""

_INDEXED_AT_ONCE, _ASKED_AT_ONCE = 1 << 14, 16  # texts; bounds memory
_MOST_MET, _MOST_FOUND = 0.5, 1 / 64  # per indexed text; beyond, comparing with all is faster
_LOW = np.int64(0xFFFFFFFF)

Integers = NDArray[np.int64]


class PrefixIndex:
    """The prefixes of some texts; all texts are encoded, one character a word.

    Args:
        texts: what is indexed.
        ratio: t / (2 - t), or a hair less.
    """

    def __init__(self, texts: Sequence[str], ratio: float) -> None:
        self.size = len(texts)
        self._ratio = ratio
        parts = [slice(at, at + _INDEXED_AT_ONCE) for at in range(0, self.size, _INDEXED_AT_ONCE)]
        frequencies = _frequencies([texts[part] for part in parts])
        self._ranks = np.empty(len(frequencies), np.int64)
        self._ranks[np.argsort(frequencies, kind="stable")] = np.arange(len(frequencies))
        keys = np.empty(sum(self._lengths(texts[part])[1].sum() for part in parts), np.int64)
        filled = 0
        for part in parts:
            owners, ranks, _ = self._prefixes(texts[part])
            keys[filled : filled + len(owners)] = ranks << 32 | owners + part.start
            filled += len(owners)
        keys.sort()
        self._owners = keys.astype(np.int32)  # the low half
        self._starts = np.searchsorted(keys, np.arange(len(frequencies) + 1) << 32)

    def candidates(self, texts: Sequence[str]) -> Iterator[Integers | None]:
        """Yields, for each text, which indexed ones may be near-copies, in ascending order.

        None: so many that it is faster to compare with all.
        """
        for start in range(0, len(texts), _ASKED_AT_ONCE):
            yield from self._candidates(texts[start : start + _ASKED_AT_ONCE])

    def _candidates(self, texts: Sequence[str]) -> Iterator[Integers | None]:
        asking, ranks, needed = self._prefixes(texts)
        counts = self._starts[ranks + 1] - self._starts[ranks]
        met = np.bincount(asking, counts, len(texts))
        many = met > _MOST_MET * self.size
        counts[many[asking]] = 0
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        owners = self._owners[np.repeat(self._starts[ranks], counts) + within]
        keys = np.sort(np.repeat(asking << 32, counts) | owners)
        first = np.flatnonzero(np.diff(keys, prepend=-1))
        shared = np.diff(first, append=len(keys))
        keys = keys[first]
        keys = keys[shared >= needed[keys >> 32]]
        ends = np.searchsorted(keys, np.arange(len(texts) + 1) << 32)
        many |= np.diff(ends) > _MOST_FOUND * self.size
        for text, start in enumerate(ends[:-1]):
            yield None if many[text] else keys[start : ends[text + 1]] & _LOW

    def _prefixes(self, texts: Sequence[str]) -> tuple[Integers, Integers, Integers]:
        """Returns the words of all prefixes, as numbers of texts and ranks of words.

        And how many of them a near-copy of each text shares at the least.
        """
        lengths, sizes, common = self._lengths(texts)
        ranks = self._ranks[np.minimum(_codes(texts), len(self._ranks) - 1)]
        keys = np.sort(np.repeat(np.arange(len(texts)) << 32, lengths) | ranks)
        within = np.arange(len(keys)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        keys = keys[within < np.repeat(sizes, lengths)]
        return keys >> 32, keys & _LOW, np.minimum(common, COMMON)

    def _lengths(self, texts: Sequence[str]) -> tuple[Integers, Integers, Integers]:
        """Returns how many words each text and its prefix has, and a near-copy of it in common."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        common = np.ceil(lengths * self._ratio).astype(np.int64)
        return lengths, np.minimum(lengths, lengths - common + COMMON), common


def _frequencies(parts: Sequence[Sequence[str]]) -> Integers:
    """Returns how often each word occurs, by its code.

    One more than there are, for all words that come later: like them it is in no prefix.
    """
    counts = [np.bincount(_codes(part)) for part in parts]
    found = np.zeros(max(map(len, counts), default=1) + 1, np.int64)
    for one in counts:
        found[: len(one)] += one
    return found


def _codes(texts: Sequence[str]) -> NDArray[np.uint32]:
    return np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32)
