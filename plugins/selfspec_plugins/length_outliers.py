"""A filter of examples whose input or output is of a length unlike its task's (SELF-GUIDE)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import sqrt
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import KEEP, Example, Seed, Verdict


class LengthOutliersSettings(BaseModel):
    """Settings `filters.length_outliers.*`, lengths in words."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    deviations: float = Field(2.0, gt=0, description="standard deviations from the task's mean")
    start: int = Field(5, ge=2, description="lengths that have to be known before any is judged")
    seeds: bool = Field(True, description="the seeds' lengths count too, from the first example on")
    slack: float = Field(2.0, ge=0, description="words from the mean that are always allowed")


class Lengths:
    """Mean and spread of numbers that come one by one; sums of integers, so exact."""

    def __init__(self) -> None:
        self.count = self.total = self.squares = 0

    def add(self, length: int) -> None:
        """Takes in one length."""
        self.count += 1
        self.total += length
        self.squares += length * length

    def spread(self) -> tuple[float, float]:
        """Returns mean and standard deviation (of the population) of what was taken in."""
        mean = self.total / self.count
        # count * squares - total ** 2 is a non-negative integer: nothing is cancelled away
        return mean, sqrt(self.count * self.squares - self.total**2) / self.count


class LengthOutliers(Filter):
    """Rejects an example whose input or output is far from the mean length of its task.

    Mean and deviation are those of the examples kept so far and, by a setting, of the task's seeds,
    so a verdict depends on the order of arrival and on nothing else. Without the slack a task whose
    answers are all one word would allow no other length.
    """

    name = "length_outliers"
    summary = "rejects inputs and outputs far from their task's mean length (± 2 SD)"
    phase: ClassVar[Literal["instruction", "example"]] = "example"
    Settings = LengthOutliersSettings

    def __init__(self, settings: BaseModel | None = None) -> None:
        super().__init__(settings)
        self._known: dict[tuple[str, str], Lengths] = defaultdict(Lengths)
        self._begun = False

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate, in order; a kept one counts for those after it."""
        if not self._begun:
            self._begun = True
            for seed in context.seeds if self.settings.seeds else ():
                self._take_in(seed)
        verdicts = []
        for candidate in candidates:
            verdict = self._verdict(candidate)
            verdicts.append(verdict)
            if verdict.keep:
                self._take_in(candidate)
        return verdicts

    def restore(self, judged: Sequence[Example], context: Context) -> None:
        """Measures again what was kept; the same candidates in the same order are judged alike."""
        self.judge(judged, context)

    def _take_in(self, row: Seed | Example) -> None:
        for part, length in _lengths(row).items():
            self._known[row.task, part].add(length)

    def _verdict(self, candidate: Example) -> Verdict:
        for part, length in _lengths(candidate).items():
            known = self._known[candidate.task, part]
            if known.count < self.settings.start:
                continue
            mean, deviation = known.spread()
            away = abs(length - mean)
            if away > max(self.settings.deviations * deviation, self.settings.slack):
                side = "short" if length < mean else "long"
                evidence = f"{length} words; mean {mean:.1f}, SD {deviation:.1f}"
                return Verdict(False, f"{part} unusually {side}", evidence)
        return KEEP


def _lengths(row: Seed | Example) -> dict[str, int]:
    return {"input": len(row.input.split()), "output": len(row.output.split())}


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [LengthOutliers]
