"""The filter of examples that a model tuned on other examples never gets right (Source2Synth)."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.measures.votes import read, same
from selfspec_core.model_types import Sampling
from selfspec_core.types import KEEP, Example, Verdict


class AnswerabilitySettings(BaseModel):
    """Settings `filters.answerability.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    slice: float = Field(
        0.5, gt=0, lt=1, description="share of data.size to tune the judging adapter on"
    )
    tries: int = Field(3, ge=1, description="answers of which one must agree; the first is greedy")
    temperature: float = Field(0.7, gt=0, description="of the further tries")


class Answerability(Filter):
    """Rejects an example whose answer a probe never gives in so many tries.

    The probe is the base model tuned, as the specialist will be, on the first examples of the round
    (`slice`); those are kept unseen. It is asked without demonstrations. What it never answers as
    the example does is either wrong or beyond what the other examples teach
    (https://arxiv.org/abs/2409.08239).
    """

    name = "answerability"
    summary = "rejects what an adapter tuned on the first examples never answers alike"
    phase: ClassVar[Literal["instruction", "example"]] = "example"
    Settings = AnswerabilitySettings

    def probe_rows(self, size: int) -> int:
        """Returns how many examples the probe is tuned on."""
        share: float = self.settings.slice
        return ceil(size * share)

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate; evidence is the first of the probe's answers."""
        if context.probe is None or not candidates:
            return [KEEP] * len(candidates)
        context.model.use_adapter(context.probe)
        try:
            tries = [self._ask(candidates, number, context) for number in range(self._tries)]
        finally:
            context.model.use_adapter(None)
        return [
            _verdict(candidate, [texts[row] for texts in tries])
            for row, candidate in enumerate(candidates)
        ]

    @property
    def _tries(self) -> int:
        return int(self.settings.tries)

    def _ask(self, candidates: Sequence[Example], number: int, context: Context) -> list[str]:
        """Has every candidate answered once; the first time greedily."""
        layout, settings = context.tuned_layout, context.settings.answer
        prompts = [layout.prompt(row.instruction, _input(row, context)) for row in candidates]
        sampling = Sampling(
            settings.max_new_tokens,
            self.settings.temperature if number else 0.0,
            stop=layout.stops(candidates[0].kind),
            random_seed=context.random_seed_of("answerability", candidates[0].batch) + number,
        )
        return [text.strip() for text in context.model.generate(prompts, sampling)]


def _input(row: Example, context: Context) -> str:
    """Returns the input as the specialist sees it: with passages if it is tuned with them."""
    retriever = context.retriever
    if context.settings.retrieval.distractors is None or retriever is None or not row.passages:
        return row.input
    texts = [passage.line for passage in retriever.passages(row.passages)]
    return "\n".join([*texts, row.input])


def _verdict(candidate: Example, answers: Sequence[str]) -> Verdict:
    def as_read(text: str) -> Any:
        return read(candidate.kind, text, candidate.choices)

    wanted = as_read(candidate.output)
    if any(same(candidate.kind, wanted, as_read(answer)) for answer in answers):
        return KEEP
    return Verdict(False, f"not answered alike in {len(answers)} tries", answers[0][:120])


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [Answerability]
