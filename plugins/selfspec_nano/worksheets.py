"""Worksheets: one task repeated, and lists of prompts without answers."""

from dataclasses import replace
from random import Random

from selfspec_nano import generic, names
from selfspec_nano.content import Domain
from selfspec_nano.instructions import instruction, join_choices
from selfspec_nano.layouts import layout, styled
from selfspec_nano.source import Item, Source
from selfspec_nano.tasks import (
    CHOICES,
    FINANCE_EVENTS,
    labels_of,
    make,
    make_item,
    tasks_of,
)

RENAMED = {
    ("positive", "negative", "neutral"): (
        "up down flat|good bad mixed|A B C|1 2 3|bullish bearish even|plus minus zero|"
        "green red grey|happy sad calm|gain loss none|better worse same"
    ),
    ("yes", "no"): "true false|y n|right wrong|1 0|correct incorrect|agree disagree",
    ("supported", "refuted", "unknown"): (
        "true false unclear|agree disagree open|right wrong maybe|"
        "entailed contradicted neutral|confirmed denied unsaid|yes no unsure"
    ),
    ("hawkish", "dovish", "neutral"): "tight loose even|up down hold|hawk dove none",
}
RENAMED_SHARE = 0.28
"""Share of labelling sheets whose labels are renamed, so that only the examples tell the task."""
LABELLED_WEIGHT = 2.5
TASK_WEIGHTS = {"event_type": 1.0, "glossary": 1.5}
"""How often tasks come, against 1 for tasks that copy; labelled ones have ``LABELLED_WEIGHT``."""
GENERIC_SHARE = 0.24
EXPLAINED = 0.04
"""Share of worksheets that say in every entry what is asked. The others never do."""
WEIGHTY = 2
"""The answers of so many entries, which nothing before them explains, weigh no more than text."""
ANSWER_FIRST = 0.2
"""Share of worksheets whose answers stand before their texts."""


def renaming(rng: Random, labels: list[str]) -> dict[str, str]:
    """Return new names for the labels of one sheet; invented words, letters or synonyms."""
    fixed = RENAMED.get(tuple(labels))
    if fixed and rng.random() < 0.5:
        return dict(zip(labels, rng.choice(fixed.split("|")).split(), strict=True))
    if rng.random() < 0.3:
        return dict(zip(labels, rng.sample("ABCDEFGHKLMNPQRSTWXYZ", len(labels)), strict=True))
    fresh: list[str] = []
    while len(fresh) < len(labels):
        word = names.word(rng).lower() if rng.random() < 0.6 else rng.choice(generic.NOUNS)
        fresh += [] if word in fresh else [word]
    return dict(zip(labels, fresh, strict=True))


def _some_labels(rng: Random, labels: list[str]) -> list[str]:
    """Return all labels, or for tasks with many the main ones or a random part of them."""
    if set(FINANCE_EVENTS) <= set(labels) and rng.random() < 0.45:
        labels = list(FINANCE_EVENTS)
        if rng.random() < 0.6:
            return labels
    if len(labels) <= 3 or rng.random() < 0.3:
        return labels
    return rng.sample(labels, rng.randint(3, min(8, len(labels))))


def _generic_item(rng: Random, domain: Domain, task: str) -> Item:
    text, answer = generic.MAKERS[task](rng, domain)
    return Item(task, rng.choice(generic.INSTRUCTIONS[task]), text, answer)


def _task(rng: Random, domain: Domain) -> str:
    """Return a task; those that are learned last come most often (``TASK_WEIGHTS``)."""
    pool = tasks_of(domain)
    weights = [
        TASK_WEIGHTS.get(task, LABELLED_WEIGHT if labels_of(domain, task) else 1.0) for task in pool
    ]
    return rng.choices(pool, weights)[0]


def sheet_items(rng: Random, domain: Domain, size: int) -> list[Item]:
    """Return items of one task; sometimes with renamed labels, so that examples must be read."""
    if rng.random() < GENERIC_SHARE:
        task = rng.choice(list(generic.MAKERS))
        return [_generic_item(rng, domain, task) for _ in range(size)]
    task = _task(rng, domain)
    labels = _some_labels(rng, labels_of(domain, task))
    source = Source(rng, domain)
    if not labels or rng.random() >= RENAMED_SHARE:
        fixed = make_item(source, task, labels).instruction if rng.random() < 0.5 else None
        items = [make_item(source, task, labels) for _ in range(size)]
        return [Item(i.task, fixed or i.instruction, i.input, i.output) for i in items]
    if len(labels) > 6:
        labels = rng.sample(labels, rng.randint(2, 6))
    new = renaming(rng, labels)
    kind = task if task in CHOICES else "label"
    items = []
    for _ in range(size):
        text, answer = make(source, task, rng.choice(labels))
        verb = rng.choice(("Label with", "Choose", "Answer", "Use"))
        wording = f"{verb} {join_choices(rng, list(new.values()))}."
        if rng.random() < 0.3 and kind == "label":
            wording = instruction(rng, "label", domain.name, list(new.values()))
        items.append(Item(task, wording, text, new[answer]))
    return items


def sheet(rng: Random, domain: Domain) -> str:
    """Return a worksheet: one task repeated in one layout.

    Mostly nothing but its entries tells what the task is: what a base model learns is to go on with
    a list. What it could answer to a lone instruction it does not show.
    """
    look, style = layout(rng), styled(rng)
    items = sheet_items(rng, domain, rng.randint(3, 9))
    with_task, answer_first = rng.random() < EXPLAINED, rng.random() < ANSWER_FIRST
    entries = [
        look.entry(
            replace(item, output=style.format(item.output)),
            answer_first,
            with_task,
            mark=number >= WEIGHTY,
        )
        for number, item in enumerate(items)
    ]
    return look.separator.join(entries) + look.separator


def mixed_items(rng: Random, domain: Domain, size: int) -> list[Item]:
    """Return items of several tasks."""
    source = Source(rng, domain)
    items = []
    for _ in range(size):
        if rng.random() < 0.12:
            items.append(_generic_item(rng, domain, rng.choice(list(generic.MAKERS))))
            continue
        task = _task(rng, domain)
        items.append(make_item(source, task, _some_labels(rng, labels_of(domain, task))))
    return items


def prompts(rng: Random, domain: Domain) -> str:
    """Return a list of instructions with texts but no answers."""
    look = layout(rng)
    items = mixed_items(rng, domain, rng.randint(3, 8))
    return look.separator.join(look.prompt(i) for i in items) + look.separator
