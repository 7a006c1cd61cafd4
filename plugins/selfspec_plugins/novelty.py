"""The novelty filter: rejects near-copies of seeds and of earlier proposals, exactly and fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.copies import length_bounds, nearest_copy, similarities
from selfspec_core.hookspecs import hookimpl
from selfspec_core.text import Vocabulary, compared_text
from selfspec_core.types import KEEP, Instruction, Seed, Verdict

_BLOCK = 256


class NoveltySettings(BaseModel):
    """Settings `filters.novelty.*`."""

    model_config = ConfigDict(extra="forbid")
    threshold: float = Field(0.7, gt=0, le=1, description="ROUGE-L F1 from which it is a copy")


class Novelty(Filter):
    """Rejects what has ROUGE-L F1 >= threshold with a seed or anything judged before.

    Everything judged joins the pool, accepted or not, so that a model cannot wear the filter down
    by repeating itself; within a call, too, the earlier candidate counts for the later one.
    Compared are instruction and input, minus the instruction where a seed has it verbatim.
    """

    name = "novelty"
    summary = "rejects near-copies of seeds and earlier proposals (exact ROUGE-L)"
    phase: ClassVar[Literal["instruction", "example"]] = "instruction"
    Settings = NoveltySettings

    def __init__(self, settings: BaseModel | None = None) -> None:
        super().__init__(settings)
        self._vocabulary = Vocabulary()
        self._pool = Pool()
        self._fixed: frozenset[str] | None = None

    def judge(self, candidates: Sequence[Instruction], context: Context) -> list[Verdict]:
        """Returns a verdict for each; evidence is the neighbour's id and its score."""
        self._begin(context.seeds)
        return [
            verdict
            for start in range(0, len(candidates), _BLOCK)
            for verdict in self._judge(candidates[start : start + _BLOCK])
        ]

    def restore(self, judged: Sequence[Instruction], context: Context) -> None:
        """Puts what was judged before into the pool, in order."""
        self._begin(context.seeds)
        self._remember(judged)

    def _begin(self, seeds: Sequence[Seed]) -> None:
        if self._fixed is None:
            self._fixed = frozenset(seed.instruction.strip() for seed in seeds)
            for seed in seeds:  # a seed without input is its instruction
                self._pool.add(seed.id, self._vocabulary.encode(seed.input or seed.instruction))

    def _judge(self, block: Sequence[Instruction]) -> list[Verdict]:
        places = self._remember(block)
        found = self._pool.nearest([p for p in places if p is not None], self.settings.threshold)
        return [Verdict(False, "empty") if p is None else _verdict(found.get(p)) for p in places]

    def _remember(self, rows: Sequence[Instruction]) -> list[int | None]:
        """Puts rows into the pool; returns the place of each, None where there are no words."""
        texts = (compared_text(row.instruction, row.input, self._fixed or ()) for row in rows)
        encoded = map(self._vocabulary.encode, texts)
        return [
            self._pool.add(row.id, text) if text else None
            for row, text in zip(rows, encoded, strict=True)
        ]


def _verdict(neighbour: tuple[str, float] | None) -> Verdict:
    if neighbour is None:
        return KEEP
    return Verdict(False, "near-copy", f"{neighbour[0]} {neighbour[1]:.3f}")


class Pool:
    """Encoded texts in the order of arrival, with their ids; arrays grow by doubling."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._texts = np.empty(1024, object)
        self._lengths = np.zeros(1024, np.int64)

    def add(self, id: str, text: str) -> int:
        """Adds a text and returns its place."""
        place = len(self._ids)
        if place == len(self._texts):
            self._texts = np.concatenate([self._texts, np.empty(place, object)])
            self._lengths = np.concatenate([self._lengths, np.zeros(place, np.int64)])
        self._ids.append(id)
        self._texts[place], self._lengths[place] = text, len(text)
        return place

    def nearest(self, places: Sequence[int], threshold: float) -> dict[int, tuple[str, float]]:
        """Returns the nearest earlier near-copy (id, score) of each text that has one."""
        lengths = self._lengths[: len(self._ids)]
        found = {}
        for group in self._similar_lengths(places):
            shortest, longest = len(self._texts[group[0]]), len(self._texts[group[-1]])
            low, high = length_bounds(shortest, threshold)[0], length_bounds(longest, threshold)[1]
            among = np.flatnonzero((lengths >= low) & (lengths <= high))
            queries, pool = self._texts[group].tolist(), self._texts[among].tolist()
            scores = similarities(queries, pool, threshold)
            scores[among >= np.array(group)[:, None]] = 0  # itself and what came later
            for place, query, row in zip(group, queries, scores, strict=True):
                copy = nearest_copy(row, query, pool, threshold)
                if copy:
                    found[place] = (self._ids[among[copy[0]]], copy[1])
        return found

    def _similar_lengths(self, places: Sequence[int]) -> Iterator[list[int]]:
        """Yields groups of places of about one length, so that bounds on it exclude much."""
        group: list[int] = []
        for place in sorted(places, key=lambda place: self._lengths[place]):
            if group and self._lengths[place] > 1.25 * self._lengths[group[0]] + 2:
                yield group
                group = []
            group.append(place)
        if group:
            yield group


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the novelty filter."""
    return [Novelty]
