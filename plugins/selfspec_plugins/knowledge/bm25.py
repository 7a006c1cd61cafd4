"""The words of all passages, scored by BM25 (Robertson and Zaragoza 2009) through bm25s."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from selfspec_core.files import filling
from selfspec_core.similarity.text import words

K1, B = 1.2, 0.75


class Bm25:
    """An index over words as the novelty filter has them: digits and single letters count too."""

    def __init__(self, scorer: Any, ids: list[str]) -> None:
        self._scorer, self._ids = scorer, ids
        counts = np.diff(scorer.scores["indptr"]) if ids else np.zeros(0)
        self._frequency = {word: int(counts[row]) for word, row in self._vocabulary.items()}

    @property
    def _vocabulary(self) -> dict[str, int]:
        return self._scorer.vocab_dict if self._ids else {}

    @classmethod
    def build(cls, passages: Iterable[tuple[str, str]]) -> Bm25:
        """Indexes (id, text) pairs; ties are broken by their order."""
        from bm25s import BM25

        ids: list[str] = []
        rows: list[list[int]] = []
        vocabulary: dict[str, int] = {}
        for id, text in passages:
            found = [vocabulary.setdefault(word, len(vocabulary)) for word in words(text)]
            if found:
                ids.append(id)
                rows.append(found)
        scorer = BM25(k1=K1, b=B)
        if ids:
            scorer.index((rows, vocabulary), create_empty_token=False, show_progress=False)
        return cls(scorer, ids)

    def save(self, folder: Path) -> None:
        """Writes the index to `folder`, in one rename."""
        with filling(folder) as made:
            if self._ids:
                self._scorer.save(made, show_progress=False)
            (made / "ids.json").write_text(json.dumps(self._ids), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Bm25 | None:
        """Reads an index back, or returns None if there is none, or a damaged one."""
        from bm25s import BM25

        try:
            ids = json.loads((folder / "ids.json").read_text(encoding="utf-8"))
            return cls(BM25.load(folder) if ids else BM25(k1=K1, b=B), ids)
        except (OSError, ValueError, KeyError, EOFError):  # never written, being replaced, damaged
            return None

    def weight(self, word: str) -> float:
        """Returns the inverse document frequency of a word."""
        return math.log((len(self._ids) + 1) / (self._frequency.get(word, 0) + 1)) + 1e-3

    def top(self, query: str, count: int) -> list[tuple[str, float]]:
        """Returns up to `count` (id, score) pairs that share a word with the query, best first."""
        rows = [self._vocabulary[word] for word in words(query) if word in self._vocabulary]
        if not rows:
            return []
        scores = self._scorer.get_scores_from_ids(rows)
        least = np.partition(scores, -count)[-count] if count < len(scores) else 0.0
        best = np.flatnonzero((scores > 0) & (scores >= least))  # all that tie for the last place
        ordered = best[np.argsort(-scores[best], kind="stable")][:count]
        return [(self._ids[row], float(scores[row])) for row in ordered]
