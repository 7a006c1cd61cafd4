"""The contamination rule: no evaluation item, and no near-copy of one, reaches a trainer.

The core applies it just before any training; it is no plugin and cannot be switched off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfspec_core.layouts import LAYOUTS, Demonstrable
from selfspec_core.similarity.copies import folded, nearest_copy, similarities
from selfspec_core.similarity.stretches import Stretches
from selfspec_core.similarity.text import Vocabulary, compared_text, words
from selfspec_core.types import KEEP, Item, Verdict

RUN = 13
"""Length, in words, of a run that a row and an item must not share (as GPT-3's clean-up did)."""
NEAR = 0.7
"""ROUGE-L F1 from which a row, or a stretch of it, is a near-copy of an item."""
WHOLE = 6
"""Words from which an item must not stand in a row, be it as a whole or as a near-copy."""

_BLOCK = 512
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that a word's place in a run counts

Hashes = NDArray[np.uint64]


class Firewall:
    """Screens rows against evaluation items.

    An item's text is its input, or its instruction where it has no input; an instruction that
    no fixed wording accounts for is compared along with the input. A row is contaminated

    - if its text in any of the layouts, or its parts joined without labels, shares a run of
      `RUN` words with an item; runs that lie within a fixed instruction do not count;
    - or if its instruction and input are a near-copy of an item of fewer than `RUN` words, or its
      parts hold such an item of at least `WHOLE` words in full, whatever stands around it;
    - or if a stretch of it is a near-copy of an item of at least `WHOLE` words with which it has a
      run of `stretches.COMMON` words in common. A stretch is any run of words of instruction (if
      that is no fixed wording), input and output, joined.

    So a long item whose words were replaced, left out or added here and there is found, which has
    no run of `RUN` words left.

    Args:
        items: dev and test items of all domains and benchmarks.
        fixed_instructions: wordings that seeds, tasks and benchmarks share; those of items with
            an input are added.
    """

    def __init__(self, items: Iterable[Item], fixed_instructions: Iterable[str] = ()) -> None:
        self.items = tuple(items)
        content = {item.instruction.strip() for item in self.items if not item.input.strip()}
        wordings = {item.instruction.strip() for item in self.items if item.input.strip()}
        self._fixed = (wordings | {text.strip() for text in fixed_instructions}) - content
        self._word_hashes: dict[str, int] = {}
        self._vocabulary = Vocabulary()
        self._words = [words(self._text(item.instruction, item.input)) for item in self.items]
        self._hashes, self._owners = self._index()
        encoded = [*map(self._vocabulary.encode_words, self._words)]
        self._short = [i for i, text in enumerate(encoded) if 0 < len(text) < RUN]
        self._encoded = [encoded[i] for i in self._short]
        self._folded = [folded(text) for text in self._encoded]
        self._within = [i for i, text in enumerate(encoded) if len(text) >= WHOLE]
        self._stretches = Stretches([encoded[i] for i in self._within], round(10 * NEAR))

    def screen(self, rows: Sequence[Demonstrable]) -> list[Verdict]:
        """Returns a verdict for every row; evidence is `<item id>: <run or item text>`."""
        return [
            verdict
            for start in range(0, len(rows), _BLOCK)
            for verdict in self._screen(rows[start : start + _BLOCK])
        ]

    def digest(self) -> dict[str, Any]:
        """Returns what rows are screened against: by task, how many items and their SHA-256.

        The hash is over the items' compared words in sorted order: it does not depend on their
        order or ids.
        """
        by_task: dict[str, list[str]] = {}
        for item, own in zip(self.items, self._words, strict=True):
            by_task.setdefault(item.task, []).append(" ".join(own))
        return {
            task: {
                "items": len(texts),
                "sha256": hashlib.sha256("\n".join(sorted(texts)).encode()).hexdigest(),
            }
            for task, texts in sorted(by_task.items())
        }

    def _text(self, instruction: str, input: str) -> str:
        return compared_text(instruction, input, self._fixed) or instruction

    def _index(self) -> tuple[Hashes, NDArray[np.int64]]:
        """Returns the items' run hashes in sorted order, and the item of each."""
        hashes = [self._runs(own) for own in self._words]
        boilerplate = [self._runs(words(text)) for text in sorted(self._fixed)]
        owners = np.repeat(np.arange(len(hashes)), [len(own) for own in hashes])
        every = np.concatenate([*hashes, np.empty(0, np.uint64)])
        counted = ~np.isin(every, np.concatenate([*boilerplate, np.empty(0, np.uint64)]))
        unique, first = np.unique(every[counted], return_index=True)
        return unique, owners[counted][first]

    def _runs(self, tokens: Sequence[str]) -> Hashes:
        """Returns the 64-bit hash of each run of words (polynomial in hashes of the words)."""
        count = len(tokens) - RUN + 1
        if count <= 0:
            return np.empty(0, np.uint64)
        each = np.array([self._word_hash(token) for token in tokens], np.uint64)
        total = np.zeros(count, np.uint64)
        for place in range(RUN):
            total = total * _BASE + each[place : place + count]
        return total

    def _word_hash(self, token: str) -> int:
        known = self._word_hashes.get(token)
        if known is None:
            raw = hashlib.blake2b(token.encode(), digest_size=8).digest()
            known = self._word_hashes[token] = int.from_bytes(raw, "big")
        return known

    def _screen(self, rows: Sequence[Demonstrable]) -> list[Verdict]:
        texts = [self._text(row.instruction, row.input) for row in rows]
        encoded = [self._vocabulary.encode(text) for text in texts]
        bounds = similarities([*map(folded, encoded)], self._folded, NEAR)
        return [
            self._shared_run(row) or self._near_copy(own, bound) or self._held(row, text) or KEEP
            for row, text, own, bound in zip(rows, texts, encoded, bounds, strict=True)
        ]

    def _near_copy(self, encoded: str, bounds: NDArray[np.float64]) -> Verdict | None:
        found = nearest_copy(bounds, encoded, self._encoded, NEAR)
        if not found:
            return None
        at = self._short[found[0]]
        evidence = f"{self._evidence(at)} ({found[1]:.2f})"
        return Verdict(False, "near-copy of an evaluation item", evidence)

    def _held(self, row: Demonstrable, text: str) -> Verdict | None:
        """Looks for an item as a whole in all parts of a row, and for a near-copy in its text."""
        whole = self._vocabulary.encode("\n".join((row.instruction, row.input, row.output)))
        among = self._stretches.sharing(whole)
        for at in among.tolist():
            if self._stretches.texts[at] in whole:
                evidence = self._evidence(self._within[at])
                return Verdict(False, "holds an evaluation item as a whole", evidence)
        found = self._stretches.find(self._vocabulary.encode(f"{text}\n{row.output}"), among)
        if found is None:
            return None
        evidence = self._evidence(self._within[found])
        return Verdict(False, "holds a near-copy of an evaluation item", evidence)

    def _evidence(self, at: int) -> str:
        return f"{self.items[at].id}: {' '.join(self._words[at])}"

    def _shared_run(self, row: Demonstrable) -> Verdict | None:
        parts = (row.instruction, row.input, row.output)
        texts = ["\n".join(parts), *(layout.entry(*parts) for layout in LAYOUTS.values())]
        for tokens in dict.fromkeys(tuple(words(text)) for text in texts):
            runs = self._runs(tokens)
            at = np.searchsorted(self._hashes, runs).clip(max=max(len(self._hashes) - 1, 0))
            hits = np.flatnonzero(self._hashes[at] == runs) if len(self._hashes) else ()
            for place in hits:
                owner = int(self._owners[at[place]])
                run = " ".join(tokens[place : place + RUN])
                if f" {run} " in f" {' '.join(self._words[owner])} ":  # no collision of hashes
                    evidence = f"{self.items[owner].id}: {run}"
                    return Verdict(False, "shares 13 words with an evaluation item", evidence)
        return None
