"""`python tests/benchmarks/labels.py DOMAIN`: how often nano labels closed dev items rightly.

Written after five demonstrations (`answer.closed = "write"`), weighed by likelihood (`weigh`), and
calibrated over the items of a task (`calibrate`); the mean over `--draws` of demonstrations.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence

from selfspec_core import Context, Item, Sampling, parse
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.progress import Silent
from selfspec_core.types import CLOSED_KINDS
from selfspec_plugins.weighing import calibrated, weigh

WAYS = ("write", "weigh", "calibrate")


def labels(items: Sequence[Item], context: Context, draw: int) -> dict[str, list[str | None]]:
    """Returns the labels of one task's items by way of labelling."""
    model, layout, choices = context.model, context.layout, items[0].choices
    seeds = context.seeds_of(items[0].task)
    drawn = random.Random(f"{draw}/{items[0].task}").sample(seeds, min(5, len(seeds)))
    prompts = [layout.few_shot(drawn, item.instruction, item.input) for item in items]
    texts = model.generate(prompts, Sampling(24, stop=layout.stop))
    weights = weigh(model, prompts, [choices] * len(items), layout)
    return {
        "write": [parse(items[0].kind, text, choices) for text in texts],
        "weigh": [choices[row.index(max(row))] for row in weights],
        "calibrate": [choices[row.index(max(row))] for row in calibrated(weights)],
    }


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domain")
    parser.add_argument("--draws", type=int, default=3)
    options = parser.parse_args()
    every = {"evaluation": {"dev_per_task": None}}
    assembly = assemble(Request(options.domain, set=(every,)), Silent())
    context = assembly.context
    context.model.load()
    by_task: dict[str, list[Item]] = defaultdict(list)
    for item in assembly.parts.sets[0].split("dev"):
        if item.kind in CLOSED_KINDS and item.choices and context.seeds_of(item.task):
            by_task[item.task].append(item)
    shares: dict[str, list[float]] = {way: [] for way in WAYS}
    print("| task | items | " + " | ".join(WAYS) + " |\n|---|---|---|---|---|")
    for task, items in by_task.items():
        if len({item.choices for item in items}) > 1:
            continue
        draws = [labels(items, context, draw) for draw in range(options.draws)]
        for way in WAYS:
            right = sum(
                label == item.output[0]
                for draw in draws
                for label, item in zip(draw[way], items, strict=True)
            )
            shares[way].append(right / len(items) / len(draws))
        found = " | ".join(f"{shares[way][-1]:.2f}" for way in WAYS)
        print(f"| {task} | {len(items)} | {found} |")
    means = " | ".join(f"{sum(row) / len(row):.3f}" for row in shares.values())
    print(f"| mean of tasks | | {means} |")


if __name__ == "__main__":
    main()
