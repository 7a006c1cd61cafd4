"""The evaluator of every kind: asks a system, parses what it says, weighs closed choices."""

from __future__ import annotations

import random
from collections.abc import Sequence

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
        ordered = sorted(items, key=lambda item: item.task)
        predictions = []
        for demo_set in range(system.demo_sets):
            shown = {
                task: _demonstrations(context, task, system.shots, demo_set)
                for task in {item.task for item in items}
            }
            prompts = [
                system.layout.few_shot(shown[item.task], item.instruction, "\n".join(text))
                for item, text in zip(ordered, _inputs(ordered, system, context), strict=True)
            ]
            texts = _written(ordered, prompts, system, context)
            likeliest = _likeliest(ordered, prompts, system, context)
            predictions += [
                Prediction(
                    system.name,
                    item.id,
                    text.strip(),
                    parse(item.kind, text, item.choices),
                    demo_set,
                    weighed,
                )
                for item, text, weighed in zip(ordered, texts, likeliest, strict=True)
            ]
        return predictions


def _demonstrations(context: Context, task: str, shots: int, demo_set: int) -> list[Seed]:
    """Draws a demonstration set: the task's own seeds if it has any, or any seeds."""
    seeds = context.seeds_of(task) or list(context.seeds)
    rng = random.Random(f"{context.random_seed_of('demonstrations', demo_set)}/{task}")
    return rng.sample(seeds, min(shots, len(seeds)))


def _inputs(items: Sequence[Item], system: System, context: Context) -> list[list[str]]:
    """Returns the input of each item, after the passages found for it as for answering."""
    if not system.passages or context.retriever is None:
        return [[item.input] for item in items]
    queries = [f"{item.instruction} {item.input}" for item in items]
    found = context.retriever.retrieve(queries, system.passages)
    return [
        [*(passage.line for passage in passages), item.input]
        for item, passages in zip(items, found, strict=True)
    ]


def _written(
    items: Sequence[Item], prompts: Sequence[str], system: System, context: Context
) -> list[str]:
    """Returns what is written after each prompt, those that end alike asked together."""
    layout, texts = system.layout, [""] * len(items)
    for stops in dict.fromkeys(layout.stops(item.kind) for item in items):
        rows = [row for row, item in enumerate(items) if layout.stops(item.kind) == stops]
        sampling = Sampling(context.settings.evaluation.max_new_tokens, stop=stops)
        asked = [prompts[row] for row in rows]
        said = context.model.generate(asked, sampling, context.progress)
        for row, text in zip(rows, said, strict=True):
            texts[row] = text
    return texts


def _likeliest(
    items: Sequence[Item], prompts: Sequence[str], system: System, context: Context
) -> list[str | None]:
    """Returns each closed item's choice of the highest summed log-probability, else None."""
    likeliest: list[str | None] = [None] * len(items)
    if not (context.model.capabilities.likelihood and context.settings.evaluation.likelihood):
        return likeliest
    closed = [row for row, item in enumerate(items) if item.kind in CLOSED_KINDS and item.choices]
    choices = [items[row].choices for row in closed]
    weights = weigh(context.model, [prompts[row] for row in closed], choices, system.layout)
    for row, own, weighed in zip(closed, choices, weights, strict=True):
        likeliest[row] = max(zip(weighed, own, strict=True), key=lambda pair: pair[0])[1]
    return likeliest


@hookimpl
def selfspec_evaluators(domain: str) -> list[type[Evaluator]]:
    """Offers this evaluator to every domain."""
    return [Answers]
