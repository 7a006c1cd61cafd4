"""The novelty filter: rejects near-copies of seeds and of earlier proposals, exactly and fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.similarity.text import Vocabulary, compared_text
from selfspec_core.types import KEEP, Instruction, Seed, Verdict

_BLOCK = 256


class NoveltySettings(BaseModel):
    """Settings `filters.novelty.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
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
        from selfspec_core.similarity.copies import Pool  # numpy, which listings need not import

        super().__init__(settings)
        self._vocabulary = Vocabulary()
        self._pool = Pool(self.settings.threshold)
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
        found = self._pool.nearest([p for p in places if p is not None])
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


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the novelty filter."""
    return [Novelty]
