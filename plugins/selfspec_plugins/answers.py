"""The evaluator of every kind: asks a system, parses what it says, weighs closed choices."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby

from selfspec_core import (
    Context,
    Evaluator,
    Item,
    Prediction,
    Sampling,
    Seed,
    System,
    hookimpl,
    parse,
)
from selfspec_core.types import CLOSED_KINDS
from selfspec_plugins.weighing import weigh


class Answers(Evaluator):
    """Greedy answers through one lenient parser; closed kinds also by the choices' likelihood."""

    name = "answers"
    summary = "greedy answers, parsed leniently; closed choices also by likelihood"

    def evaluate(self, items: Sequence[Item], system: System, context: Context) -> list[Prediction]:
        """Returns a prediction per item and demonstration set, tasks kept together."""
        predictions = []
        by_task = sorted(items, key=lambda item: item.task)
        for demo_set in range(system.demo_sets):
            for task, group in groupby(by_task, key=lambda item: item.task):
                shown = _demonstrations(context, task, system.shots, demo_set)
                predictions += _ask(list(group), shown, demo_set, system, context)
        return predictions


def _demonstrations(context: Context, task: str, shots: int, demo_set: int) -> list[Seed]:
    """Draws a demonstration set: the task's own seeds if it has any, or any seeds."""
    seeds = context.seeds_of(task) or list(context.seeds)
    rng = random.Random(f"{context.random_seed_of('demonstrations', demo_set)}/{task}")
    return rng.sample(seeds, min(shots, len(seeds)))


def _ask(
    items: Sequence[Item], shown: Sequence[Seed], demo_set: int, system: System, context: Context
) -> list[Prediction]:
    settings, layout = context.settings.evaluation, system.layout
    prompts = [
        layout.few_shot(shown, item.instruction, "\n".join([*read, item.input]))
        for item, read in zip(items, _passages(items, system, context), strict=True)
    ]
    stops = layout.stop if items[0].kind != "summarization" else (layout.end,)
    sampling = Sampling(settings.max_new_tokens, stop=stops)
    texts = context.model.generate(prompts, sampling, context.progress)
    likeliest = _likeliest(items, prompts, system, context)
    return [
        Prediction(
            system.name,
            item.id,
            text.strip(),
            parse(item.kind, text, item.choices),
            demo_set,
            likeliest[row],
        )
        for row, (item, text) in enumerate(zip(items, texts, strict=True))
    ]


def _passages(items: Sequence[Item], system: System, context: Context) -> list[list[str]]:
    """Returns the passages that stand before each input, found as for answering."""
    if not system.passages or context.retriever is None:
        return [[] for _ in items]
    queries = [f"{item.instruction} {item.input}" for item in items]
    found = context.retriever.retrieve(queries, system.passages)
    return [[passage.text for passage in passages] for passages in found]


def _likeliest(
    items: Sequence[Item], prompts: Sequence[str], system: System, context: Context
) -> list[str | None]:
    """Returns each closed item's choice of the highest summed log-probability, else None."""
    closed = items[0].kind in CLOSED_KINDS and bool(items[0].choices)
    able = context.model.capabilities.likelihood and context.settings.evaluation.likelihood
    if not (closed and able):
        return [None] * len(items)
    weights = weigh(context.model, prompts, [item.choices for item in items], system.layout)
    return [
        max(zip(row, item.choices, strict=True), key=lambda pair: pair[0])[1]
        for row, item in zip(weights, items, strict=True)
    ]


@hookimpl
def selfspec_evaluators(domain: str) -> list[type[Evaluator]]:
    """Offers this evaluator to every domain."""
    return [Answers]
