"""How varied a round's instructions are, in numbers that fall or rise when variety collapses."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from selfspec_core.text import Vocabulary, compared_text, words

NEW = 3
"""Words in the n-grams whose novelty is counted: shorter ones are mostly grammar."""

_BLOCK = 256
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
    several rows share with `before`'s. Of two rounds only numbers over about as many texts can be
    compared: all but `new_ngrams` depend on how many there are.

    Args:
        rows: what the round accepted.
        before: seeds, and what earlier rounds accepted.

    Returns:
        `texts`: how many; `distinct_1`, `distinct_2`: different words and pairs of words per word
        and pair (distinct-n, Li et al. 2016, arXiv 1510.03055); `new_ngrams`: share of the
        different runs of three words that stand nowhere in `before`; `nearest_mean`: mean ROUGE-L
        F1 of a text and the one most like it in the round.
    """
    if not rows:
        return {}
    fixed = frozenset(row.instruction.strip() for row in before)
    texts = [words(compared_text(row.instruction, row.input, fixed)) for row in rows]
    known = [words(compared_text(row.instruction, row.input, fixed)) for row in before]
    numbers = {
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "new_ngrams": new_ngrams(texts, known, NEW),
        "nearest_mean": _mean(nearest(texts)),
    }
    return {"texts": len(texts), **{name: round(value, 4) for name, value in numbers.items()}}


def distinct(texts: Sequence[Sequence[str]], n: int) -> float:
    """Returns different n-grams per n-gram, in [0, 1]; 0 where there is none."""
    grams = [gram for text in texts for gram in _grams(text, n)]
    return len(set(grams)) / len(grams) if grams else 0.0


def new_ngrams(texts: Sequence[Sequence[str]], before: Sequence[Sequence[str]], n: int) -> float:
    """Returns the share of the different n-grams of `texts` that `before` does not have."""
    own = {gram for text in texts for gram in _grams(text, n)}
    known = {gram for text in before for gram in _grams(text, n)}
    return len(own - known) / len(own) if own else 0.0


def nearest(texts: Sequence[Sequence[str]]) -> list[float]:
    """Returns each text's ROUGE-L F1 with the other text most like it; 0 for a lone text.

    Exact, and batched: texts folded to 256 characters are compared first, which bounds what the
    texts themselves can have from above (see `selfspec_core.copies`).
    """
    import numpy as np

    from selfspec_core.copies import folded, similarities

    vocabulary = Vocabulary()
    encoded = [vocabulary.encode_words(list(text)) for text in texts]
    short = [folded(text) for text in encoded]
    best = []
    for start in range(0, len(texts), _BLOCK):
        bounds = similarities(short[start : start + _BLOCK], short, 0.0)
        for row, own in enumerate(bounds, start):
            own[row] = -1.0  # itself
            if not encoded[row]:  # rapidfuzz: as like another text without words as can be
                best.append(0.0)
                continue
            found, count = 0.0, _FEW
            order = np.argsort(-own, kind="stable")[: len(texts) - 1]
            for at in range(0, len(order), count):
                part = order[at : at + count]
                if own[part[0]] <= found:
                    break
                exact = similarities([encoded[row]], [encoded[i] for i in part], 0.0)
                found = max(found, float(exact.max()))
            best.append(found)
    return best


def _grams(text: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return zip(*(text[start:] for start in range(n)), strict=False)


def _mean(values: Collection[float]) -> float:
    return sum(values) / len(values) if values else 0.0
