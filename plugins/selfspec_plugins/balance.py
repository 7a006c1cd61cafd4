"""A filter that keeps the labels of closed tasks in balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import CLOSED_KINDS, KEEP, Example, Verdict


class BalanceSettings(BaseModel):
    """Settings `filters.balance.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    start: int = Field(4, ge=1, description="examples of a label kept whatever the others have")
    ratio: float = Field(1.5, ge=1, description="further ones per example of the rarest label")


class Balance(Filter):
    """Rejects an example whose label its task has too often already.

    A model that prefers one answer would otherwise teach itself to give no other. At any time a
    label has at most `start + ratio * rarest` examples, `rarest` being the count of the task's
    rarest choice.
    """

    name = "balance"
    summary = "keeps the labels of closed tasks in balance"
    phase: ClassVar[Literal["instruction", "example"]] = "example"
    Settings = BalanceSettings

    def __init__(self, settings: BaseModel | None = None) -> None:
        super().__init__(settings)
        self._counts: Counter[tuple[str, str]] = Counter()

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate, in order; a kept one counts for those after it."""
        verdicts = []
        for candidate in candidates:
            verdict = self._verdict(candidate)
            verdicts.append(verdict)
            if verdict.keep:
                self._counts[candidate.task, candidate.output] += 1
        return verdicts

    def restore(self, judged: Sequence[Example], context: Context) -> None:
        """Counts again what was kept; the same candidates in the same order are judged alike."""
        self.judge(judged, context)

    def _verdict(self, candidate: Example) -> Verdict:
        if candidate.kind not in CLOSED_KINDS or not candidate.choices:
            return KEEP
        counts = [self._counts[candidate.task, choice] for choice in candidate.choices]
        room = self.settings.start + self.settings.ratio * min(counts)
        if self._counts[candidate.task, candidate.output] < room:
            return KEEP
        return Verdict(False, "label has its share", candidate.output)


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [Balance]
