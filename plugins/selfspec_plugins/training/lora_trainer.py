"""LoRA and QLoRA on the resident model, through peft and TRL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

from selfspec_core.components import Context, Trainer
from selfspec_core.config import TrainingSettings
from selfspec_core.errors import SelfspecError
from selfspec_core.hookspecs import hookimpl
from selfspec_core.layouts import Layout
from selfspec_core.types import Adapter, Example, Pair, Seed, TrainingJob
from selfspec_plugins.local.batches import common_prefix
from selfspec_plugins.local.memory import OutOfMemory, free, out_of_memory
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.local.workers import Advance, Question
from selfspec_plugins.training.dpo import optimize, order_pairs
from selfspec_plugins.training.packing import Encoded, order_steps, pack, shorten, split
from selfspec_plugins.training.ranks import check, train_together
from selfspec_plugins.training.sft import fit

ROWS_PER_FORWARD = "training_rows_per_forward"
PAIRS_PER_FORWARD = "training_pairs_per_forward"
Arguments = tuple[list[list[list[Encoded]]], int, Path, TrainingSettings, int]
"""Of `fit`, between the model and `advance`."""


@dataclass(frozen=True, slots=True)
class _Course:
    """A training in all detail: packed rows, step by step, and what to say about it.

    Attributes:
        rows: examples there are.
        tokens: response tokens over all steps.
    """

    steps: list[list[list[Encoded]]]
    out: Path
    settings: TrainingSettings
    random_seed: int
    rows: int
    tokens: int

    @property
    def most(self) -> int:
        """Packed rows of the largest step."""
        return max(map(len, self.steps))

    @property
    def ranks(self) -> int:
        """Processes that take a part of each step."""
        return self.settings.processes

    def arguments(self, rows: int) -> Arguments:
        """Returns those of `fit`, with at most so many packed rows in a forward pass."""
        parts = self.ranks * math.ceil(self.most / (rows * self.ranks))
        micro = [part for step in self.steps for part in split(step, parts)]
        return micro, parts, self.out, self.settings, self.random_seed

    def adapter(self, losses: Sequence[float]) -> Adapter:
        """Returns what became of it."""
        return Adapter(self.out, self.rows, len(self.steps), self.tokens, loss_ends(losses))


class LoraTrainer(Trainer):
    """Low-rank adapters on all linear layers; the loss is on response tokens only.

    An optimizer step sees `training.batch` examples, packed into rows of at most
    `training.max_tokens` and kept apart there. Same rows, settings, versions and thread count give
    the same bytes.
    """

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "LoRA or QLoRA (4-bit base) with peft and TRL"

    def check(self, context: Context) -> None:
        """Looks whether as many processes as are set can train here.

        Raises:
            UsageError: naming the key.
        """
        check(context.settings.training, context.settings.model)

    def train(
        self,
        rows: Sequence[Seed | Example],
        out: Path,
        context: Context,
        *,
        steps: int | None = None,
    ) -> Adapter:
        """Tunes an adapter and saves it in `out`; the resident model is left as it was.

        Raises:
            SelfspecError: if there are no rows, or the model cannot be trained here.
        """
        (adapter,) = self.train_all([TrainingJob(rows, out, steps)], context)
        return adapter

    def train_all(self, jobs: Sequence[TrainingJob], context: Context) -> Iterator[Adapter]:
        """Tunes several adapters, at once where the model has more than one process.

        Raises:
            SelfspecError: if there are no rows, or the model cannot be trained here.
        """
        model = _tunable(context)
        courses = [self._plan(job, model, context) for job in jobs]
        together = context.settings.training.processes > 1
        losses = {} if together else _side_by_side(courses, model, context)
        for number, course in enumerate(courses):
            if number not in losses:
                losses[number] = _one(course, model, context)
            if together and number == len(courses) - 1:
                model.load()  # it had made room
            yield course.adapter(losses[number])

    def _plan(self, job: TrainingJob, model: TransformersModel, context: Context) -> _Course:
        if not job.rows:
            raise SelfspecError("nothing to train on: no example passed the filters")
        settings, count = context.settings.training, len(job.rows)
        random_seed = context.random_seed_of("train") % 2**31
        encoded = encode(job.rows, context.tuned_layout, model, _longest(model, settings))
        taken = job.steps or self.steps_of(count, context)
        order = order_steps(count, settings.batch, taken, random_seed)
        steps = [[encoded[i] for i in step] for step in order]
        packed = [pack(step, _capacity(model, step, settings)) for step in steps]
        tokens = sum(len(one.ids) - one.start for step in steps for one in step)
        return _Course(packed, job.out, settings, random_seed, count, tokens)

    def prefer(self, pairs: Sequence[Pair], adapter: Path, out: Path, context: Context) -> Adapter:
        """Goes on from `adapter` by DPO (arXiv 2305.18290) and saves the result in `out`.

        Raises:
            SelfspecError: if the model cannot be trained here.
        """
        model, settings = _tunable(context), context.settings.preference
        random_seed = context.random_seed_of("prefer") % 2**31
        longest = _longest(model, context.settings.training)
        chosen, rejected = (
            encode(side, context.tuned_layout, model, longest) for side in _sides(pairs)
        )
        sides = list(zip(chosen, rejected, strict=True))
        order = order_pairs(len(sides), settings.batch, settings.epochs, random_seed)
        size = len(order[0])

        def attempt(most: int) -> list[float]:
            each = max(n for n in range(1, most + 1) if size % n == 0)
            micro = [
                [sides[i] for i in step[at : at + each]]
                for step in order
                for at in range(0, size, each)
            ]
            return optimize(model, micro, size // each, adapter, out, context, random_seed)

        losses = _within_memory(PAIRS_PER_FORWARD, size, attempt, context)
        answers = sum(len(e.ids) - e.start for step in order for i in step for e in sides[i])
        return Adapter(out, len(pairs), len(order), answers, loss_ends(losses))


def _tunable(context: Context) -> TransformersModel:
    if not isinstance(context.model, TransformersModel):
        name = context.model.name
        raise SelfspecError(f"trainer 'lora' cannot tune a model of backend '{name}'")
    return context.model


def _one(course: _Course, model: TransformersModel, context: Context) -> list[float]:
    """Trains with as much in a forward as memory allows; returns the losses.

    It is this process that trains, or several new ones together.
    """

    def attempt(rows: int) -> list[float]:
        arguments, advance = course.arguments(rows), context.progress.advance
        if course.ranks == 1:
            return fit(model, *arguments, advance)
        losses: list[float] = train_together(model, (fit, arguments), course.settings, advance)
        return losses

    return _within_memory(ROWS_PER_FORWARD, math.ceil(course.most / course.ranks), attempt, context)


def _side_by_side(
    courses: Sequence[_Course], model: TransformersModel, context: Context
) -> dict[int, list[float]]:
    """Trains on all processes of the model; returns the losses of what memory sufficed for."""
    if len(courses) == 1 or model.engine.lanes.count == 1:
        return {}
    losses: dict[int, list[float]] = {}

    def ask(part: list[int]) -> Question:
        course = courses[part[0]]
        rows = min(course.most, context.decisions.get(ROWS_PER_FORWARD, course.most))
        return fit, course.arguments(rows)

    def here(question: Question, advance: Advance) -> list[float]:
        try:
            return fit(model, *cast(Arguments, question[1]), advance)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        free()  # outside of `except`: its traceback keeps the tensors alive
        raise OutOfMemory

    model.engine.lanes.share(
        [[number] for number in range(len(courses))],
        sum(
            len(one.ids)
            for course in courses
            for step in course.steps
            for row in step
            for one in row
        ),
        here,
        ask,
        lambda part, said: losses.update({part[0]: said}),
        context.progress,
    )
    return losses


def _longest(model: TransformersModel, settings: TrainingSettings) -> int:
    return min(settings.max_tokens, model.context or 1 << 30)


def _within_memory(
    decision: str, most: int, attempt: Callable[[int], list[float]], context: Context
) -> list[float]:
    """Trains; after out-of-memory again from the start with half as much in a forward."""
    while True:
        now = min(most, context.decisions.get(decision, most))
        try:
            return attempt(now)
        except (RuntimeError, OutOfMemory) as error:
            if now == 1 or not out_of_memory(error):
                raise
        context.decisions[decision] = now // 2
        free()


def loss_ends(losses: Sequence[float]) -> tuple[float, float]:
    """Returns the mean loss of the first and of the last tenth of the steps."""
    tenth = math.ceil(len(losses) / 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth


def _sides(pairs: Sequence[Pair]) -> Iterator[list[Example]]:
    """Yields the pairs as examples with the chosen answers, then with the rejected ones."""
    for side in ("chosen", "rejected"):
        yield [
            Example.from_dict({**pair.to_dict(), "output": getattr(pair, side)}) for pair in pairs
        ]


def encode(
    rows: Sequence[Seed | Example], layout: Layout, model: TransformersModel, max_tokens: int
) -> list[Encoded]:
    """Returns each row as the specialist will see it: prompt, response, end of text.

    Prompt and response are tokenized together; the response starts where the whole departs from
    the prompt's own tokens.
    """
    prompts = [model.render(layout.prompt(row.instruction, row.input)) for row in rows]
    alone = model.encode(prompts)
    texts = [p + layout.response(row.output) for p, row in zip(prompts, rows, strict=True)]
    eos = model.tokenizer.eos_token_id
    end = [] if eos is None else [eos]
    return [
        shorten(ids + end, max(1, common_prefix([prompt, ids])), max_tokens)
        for prompt, ids in zip(alone, model.encode(texts), strict=True)
    ]


def _capacity(
    model: TransformersModel, examples: Sequence[Encoded], settings: TrainingSettings
) -> int:
    """Rows need not be longer than the longest example: attention is quadratic in them."""
    if model.hf.device.type == "cpu":
        return max(len(example.ids) for example in examples)
    return settings.max_tokens


@hookimpl
def selfspec_trainers() -> list[type[Trainer]]:
    """Offers the trainer."""
    return [LoraTrainer]
