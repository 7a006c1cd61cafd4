"""The generator that answers: with demonstrations, and passages where a retriever is set."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import ClassVar

from selfspec_core import (
    Context,
    Example,
    Generator,
    Instruction,
    Passage,
    Sampling,
    Seed,
    hookimpl,
    parse,
)
from selfspec_core.config import AnswerSettings
from selfspec_core.measures.votes import elected, read, same
from selfspec_core.types import CLOSED_KINDS, LIST_KINDS, LONG_KINDS
from selfspec_plugins.weighing import calibrated, weigh

_ENOUGH = 2
"""Prompts a choice from which on weights are calibrated; of fewer the mean is a matter of luck, and
of one prompt it takes everything away."""


class FewShot(Generator):
    """Answers after a few demonstrations, those of the same task first.

    What becomes of a label that was fixed before its input was written is set by
    `answer.labels`; with `check`, the share of the model's own answers that agree is in `votes`.
    """

    name = "few_shot"
    summary = "answers after demonstrations of the same task"
    concurrent: ClassVar[bool] = True

    def answer(
        self, instructions: Sequence[Instruction], batch: int, context: Context
    ) -> list[Example]:
        """Returns one example per instruction, in order."""
        settings = context.settings.answer
        rng = random.Random(context.random_seed_of("answer", batch))
        draws = [
            _same_task_first(rng, context, instructions[0].task, settings.demonstrations)
            for _ in range(settings.votes if settings.vote_draws else 1)
        ]
        asked = [i for i in instructions if i.label is None or settings.labels != "keep"]
        passages = _passages(asked, context)
        rounds = [
            self._answers(asked, passages, shown, batch, number, context)
            for number, shown in enumerate(draws)
        ]
        answers = {
            i.id: [text for texts in rounds for text in texts[row]] for row, i in enumerate(asked)
        }
        shown = list(dict.fromkeys(seed for drawn in draws for seed in drawn))
        return [
            _as_example(i, answers.get(i.id, []), batch, shown, passages.get(i.id, []), settings)
            for i in instructions
        ]

    def _answers(
        self,
        asked: Sequence[Instruction],
        passages: Mapping[str, Sequence[Passage]],
        shown: Sequence[Seed],
        batch: int,
        draw: int,
        context: Context,
    ) -> list[list[str]]:
        """Returns the answers to each instruction after one draw of demonstrations.

        They are `answer.votes`, or one where each vote has a draw of its own; closed choices may
        be weighed instead of written.
        """
        if not asked:
            return []
        settings, layout = context.settings.answer, context.layout
        prompts = [
            layout.few_shot(
                shown,
                i.instruction,
                "\n".join([*(passage.line for passage in passages.get(i.id, ())), i.input]),
            )
            for i in asked
        ]
        votes = 1 if settings.vote_draws else settings.votes
        if votes == 1 and _weighs(asked, context):
            return [[answer] for answer in _weighed(prompts, asked[0].choices, context)]
        sampling = Sampling(
            settings.max_new_tokens,
            settings.vote_temperature if votes > 1 else settings.temperature,
            settings.top_p,
            layout.stops(asked[0].kind),
            context.random_seed_of("answer", batch) + draw,
        )
        repeated = [prompt for prompt in prompts for _ in range(votes)]
        texts = context.model.generate(repeated, sampling)
        return [
            [text.strip() for text in texts[at : at + votes]] for at in range(0, len(texts), votes)
        ]


def _weighs(asked: Sequence[Instruction], context: Context) -> bool:
    """Says whether the choices of these instructions are weighed, and not written."""
    return (
        context.settings.answer.closed != "write"
        and context.model.capabilities.likelihood
        and asked[0].kind in CLOSED_KINDS
        and len({i.choices for i in asked}) == 1
        and len(asked[0].choices) > 1
    )


def _weighed(prompts: Sequence[str], choices: Sequence[str], context: Context) -> list[str]:
    """Returns the likeliest choice after each prompt."""
    weights = weigh(context.model, prompts, [choices] * len(prompts), context.layout)
    if context.settings.answer.closed == "calibrate" and len(prompts) >= _ENOUGH * len(choices):
        weights = calibrated(weights)
    return [choices[row.index(max(row))] for row in weights]


def _same_task_first(rng: random.Random, context: Context, task: str, count: int) -> list[Seed]:
    """Draws demonstrations: the task's own seeds stand last, nearest to the query."""
    same = context.seeds_of(task)
    others = [seed for seed in context.seeds if seed.task != task]
    drawn = rng.sample(same, min(count, len(same)))
    return rng.sample(others, min(count - len(drawn), len(others))) + drawn


def _passages(asked: Sequence[Instruction], context: Context) -> dict[str, list[Passage]]:
    """Returns the passages to show with each instruction, by its id.

    They are `retrieval.k`, and the one that it was written from is among them: the last, nearest to
    the question.
    """
    k, retriever = context.settings.retrieval.k, context.retriever
    if retriever is None or not k or not asked:
        return {}
    found = retriever.retrieve([f"{i.instruction} {i.input}" for i in asked], k)
    shown = {}
    for one, passages in zip(asked, found, strict=True):
        if one.written_from:
            others = [p for p in passages if p.id != one.written_from][: k - 1]
            passages = [*others, *retriever.passages([one.written_from])]
        shown[one.id] = passages
    return shown


def _as_example(
    asked: Instruction,
    answers: Sequence[str],
    batch: int,
    shown: Sequence[Seed],
    passages: Sequence[Passage],
    settings: AnswerSettings,
) -> Example:
    """Builds the example of an instruction and the model's own answers to it.

    One that was not asked, for its label stays, was shown what its proposal was shown.
    """
    output, share = _settle(asked, answers, settings)
    return Example(
        asked.id,
        asked.task,
        asked.kind,
        asked.instruction,
        asked.input,
        _repaired(asked, output),
        asked.round,
        batch,
        asked.choices,
        asked.label,
        share,
        tuple(s.id for s in shown) if answers else asked.shown,
        tuple(passage.id for passage in passages),
        asked.written_from,
    )


def _settle(
    asked: Instruction, answers: Sequence[str], settings: AnswerSettings
) -> tuple[str, float | None]:
    """Returns the output and, where answers were compared, the share that agrees with it.

    A fixed label stays, unless it is to be replaced and the model's own answer can be parsed.
    """
    read_as = [read(asked.kind, answer, asked.choices) for answer in answers]
    readable = any(one is not None for one in read_as)
    if asked.label is not None and not (settings.labels == "replace" and readable):
        if settings.labels != "check" or not answers:
            return asked.label, None
        label = read(asked.kind, asked.label, asked.choices)
        return asked.label, sum(same(asked.kind, label, one) for one in read_as) / len(answers)
    if not answers:
        return "", None
    place, share = elected(asked.kind, read_as)
    return answers[place], share if settings.votes > 1 else None


def _repaired(asked: Instruction, output: str) -> str:
    """Mends what the parser can read: a choice in another form, a member said twice."""
    text = " ".join(output.split()) if asked.kind not in LONG_KINDS else output.strip()
    if asked.kind in CLOSED_KINDS and asked.choices:
        return parse(asked.kind, text, asked.choices) or text
    if asked.kind in LIST_KINDS:
        return ", ".join(parse(asked.kind, text, asked.choices) or ()) or text
    return text


@hookimpl
def selfspec_generators() -> list[type[Generator]]:
    """Offers the generator of this module."""
    return [FewShot]
