"""Generators that propose instructions with the resident model."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from selfspec_core import (
    Context,
    Generator,
    Instruction,
    Sampling,
    Seed,
    hookimpl,
)
from selfspec_core.types import CLOSED_KINDS
from selfspec_plugins.candidates import answered, as_instruction, proposal_id
from selfspec_plugins.parts import opened, required
from selfspec_plugins.prompts import (
    label_first_entry,
    label_first_prompt,
    open_entry,
    proposal_entry,
    proposal_stops,
    read_proposal,
)


class SelfInstruct(Generator):
    """Shows a few demonstrations and lets the model write the next instruction and input.

    Self-Instruct (arXiv 2212.10560) as Self-Specialization uses it. Every prompt of a batch shows
    the same demonstrations, so that the engine encodes them once.
    """

    name = "self_instruct"
    summary = "writes the next instruction after a few demonstrations"
    concurrent: ClassVar[bool] = True

    def propose(self, batch: int, context: Context) -> list[Instruction]:
        """Returns `propose.batch` candidates."""
        rng = random.Random(context.random_seed_of("propose", batch))
        task = rng.choice(_wanted(context)) if context.settings.propose.one_task else None
        return self._propose(batch, context, rng, task)

    def _propose(
        self, batch: int, context: Context, rng: random.Random, task: str | None
    ) -> list[Instruction]:
        settings, layout = context.settings.propose, context.layout
        shown = _draw(rng, context, task)
        opening = settings.preface + "".join(
            proposal_entry(layout, s.instruction, s.input) for s in shown
        )
        prompt = opening + open_entry(layout, chat=context.model.capabilities.chat)
        kin = context.seeds_of(task) if task else context.seeds
        texts = _written(
            [prompt] * settings.batch,
            required(kin) if task else [],
            _proposing(context, batch, proposal_stops(layout)),
            context,
        )
        return [
            as_instruction(
                read_proposal(layout, text), text, kin, proposal_id(context, batch, row), shown
            )
            for row, text in enumerate(texts)
        ]


class LabelFirst(SelfInstruct):
    """For closed kinds fixes the answer first and has the input written to it, classes balanced.

    SELF-GUIDE (arXiv 2407.12874). Tasks take turns; other kinds are proposed as `self_instruct`
    does, from demonstrations of one task.
    """

    name = "label_first"
    summary = "fixes the label, then has the input written; classes and tasks balanced"
    _read: tuple[Sequence[Instruction], dict[str, set[str]]] | None = None

    def propose(self, batch: int, context: Context) -> list[Instruction]:
        """Returns `propose.batch` candidates of the task whose turn it is."""
        rng = random.Random(context.random_seed_of("propose", batch))
        tasks = _wanted(context)
        task = tasks[batch % len(tasks)]
        seeds = context.seeds_of(task)
        if seeds[0].kind in CLOSED_KINDS and len({seed.choices for seed in seeds}) == 1:
            labels = _balanced(rng, seeds[0].choices, context.settings.propose.batch)
            return self._answer_first(batch, context, rng, seeds, labels)
        return self._propose_open(batch, context, rng, seeds)

    def _propose_open(
        self, batch: int, context: Context, rng: random.Random, seeds: Sequence[Seed]
    ) -> list[Instruction]:
        return self._propose(batch, context, rng, seeds[0].task)

    def _answer_first(
        self,
        batch: int,
        context: Context,
        rng: random.Random,
        seeds: Sequence[Seed],
        labels: Sequence[str | None],
    ) -> list[Instruction]:
        """Has the input written after the answer, and the answer too where the label is None.

        Instructions are wordings of the task, from its seeds and from the pool.
        """
        settings, layout, first = context.settings.propose, context.layout, seeds[0]
        shown = rng.sample(seeds, min(settings.demonstrations, len(seeds)))
        opening = settings.preface + "".join(
            label_first_entry(layout, s.instruction, s.input, s.output) for s in shown
        )
        in_pool = self._wordings(context.pool)[first.task]
        wordings = sorted(in_pool.union(s.instruction for s in seeds if s.task == first.task))
        asked = [rng.choice(wordings) for _ in labels]
        prompts = [
            opening + label_first_prompt(layout, instruction, label)
            for instruction, label in zip(asked, labels, strict=True)
        ]
        sampling = _proposing(context, batch, (f"{layout.end}{layout.instruction.strip()}",))
        texts = _written(prompts, required(seeds), sampling, context)
        return [
            answered(
                first, instruction, label, text, proposal_id(context, batch, row), shown, layout
            )
            for row, (instruction, label, text) in enumerate(zip(asked, labels, texts, strict=True))
        ]

    def _wordings(self, pool: Sequence[Instruction]) -> dict[str, set[str]]:
        """Returns the instructions in the pool by task; a pool stays the same for a wave."""
        if self._read is None or self._read[0] is not pool:
            found: dict[str, set[str]] = defaultdict(set)
            for one in pool:
                found[one.task].add(one.instruction)
            self._read = pool, found
        return self._read[1]


class AnswerFirst(LabelFirst):
    """As `label_first`, and for open kinds the model writes an answer, then an input to it.

    A definition is easier to write for a term than a term to find for a definition; `agreement`
    with `answer.labels = "check"` tells whether the model finds the way back.
    """

    name = "answer_first"
    summary = "label_first, and for open kinds too the answer before the input"

    def _propose_open(
        self, batch: int, context: Context, rng: random.Random, seeds: Sequence[Seed]
    ) -> list[Instruction]:
        labels = [None] * context.settings.propose.batch
        return self._answer_first(batch, context, rng, seeds, labels)


def _written(
    prompts: Sequence[str], parts: Sequence[str], sampling: Sampling, context: Context
) -> list[str]:
    """Has texts written, and goes on with those that end without a part that their task needs.

    A small model ends a passage and forgets the question; once `Question:` stands there, it asks.
    A chat model cannot be made to go on in the middle of what it said.
    """
    model = context.model
    texts = model.generate(prompts, sampling)
    if model.capabilities.chat:
        return texts
    for number, part in enumerate(parts, 1):
        texts = [text.rstrip() for text in texts]
        without = [
            row
            for row, text in enumerate(texts)
            if text.endswith((".", "!", "?")) and part not in opened(text)
        ]
        if not without:
            continue
        for row in without:
            texts[row] += f" {part}:"
        another = replace(sampling, random_seed=sampling.random_seed + number)
        ends = model.generate([prompts[row] + texts[row] for row in without], another)
        for row, end in zip(without, ends, strict=True):
            texts[row] += f" {end.strip()}"
    return texts


def _wanted(context: Context) -> list[str]:
    """Tasks that still have room, in seed order."""
    tasks = list(dict.fromkeys(seed.task for seed in context.seeds))
    return [task for task in tasks if task in context.wanted] if context.wanted else tasks


def _draw(rng: random.Random, context: Context, task: str | None) -> list[Seed | Instruction]:
    """Draws the demonstrations of a proposal: seeds and, by a setting, pool instructions."""
    settings = context.settings.propose
    seeds = context.seeds_of(task) if task else list(context.seeds)
    pool: list[Instruction] = []
    if settings.pool_demonstrations:
        pool = [i for i in context.pool if task is None or i.task == task]
    from_pool = rng.sample(pool, min(settings.pool_demonstrations, len(pool)))
    wanted = min(settings.demonstrations - len(from_pool), len(seeds))
    shown: list[Seed | Instruction] = [*rng.sample(seeds, wanted), *from_pool]
    rng.shuffle(shown)
    return shown


def _balanced(rng: random.Random, choices: Sequence[str], count: int) -> list[str]:
    """Returns `count` labels in random order, each choice as often as the others (± 1)."""
    order = list(choices)
    rng.shuffle(order)
    labels = [order[row % len(order)] for row in range(count)]
    rng.shuffle(labels)
    return labels


def _proposing(context: Context, batch: int, stops: tuple[str, ...]) -> Sampling:
    settings = context.settings.propose
    return Sampling(
        settings.max_new_tokens,
        settings.temperature,
        settings.top_p,
        stops,
        context.random_seed_of("propose", batch),
    )


@hookimpl
def selfspec_generators() -> list[type[Generator]]:
    """Offers the generators of this module."""
    return [SelfInstruct, LabelFirst, AnswerFirst]
