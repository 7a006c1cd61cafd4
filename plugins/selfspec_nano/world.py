"""nano-world: items in nano's own manner from frames and names that pretraining never used.

``python -m selfspec_nano.world OUT.jsonl [--field NAME]`` writes the items.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random

from selfspec_nano import tasks
from selfspec_nano.content import Domain, load_domains
from selfspec_nano.source import Item, Source
from selfspec_nano.tasks import labels_of, make_item, tasks_of

METRICS = {
    "classification": "macro_f1",
    "yesno": "accuracy",
    "entailment": "macro_f1",
    "ner": "set_f1",
    "numeric": "numeric_match",
    "extractive_qa": "token_f1",
    "open_qa": "token_f1",
}
TEST, DEV, DEMONSTRATIONS = 40, 12, 10
WORDS = 45
UNEVEN = 3


@dataclass(frozen=True)
class WorldTask:
    """One task of nano-world.

    Attributes:
        made_as: the task of the corpus that makes its items; its own name if None.
        labels: label of the corpus -> what the field calls it.
    """

    name: str
    kind: str
    made_as: str | None = None
    labels: dict[str, str] = field(default_factory=dict, hash=False)


_ENTAILMENT = {"supported": "entailed", "refuted": "contradicted", "unknown": "neutral"}
FIELDS: dict[str, tuple[WorldTask, ...]] = {
    "finance": (
        WorldTask("headline_sentiment", "classification"),
        WorldTask("event_type", "classification"),
        WorldTask("policy_stance", "classification"),
        WorldTask("headline_yesno", "yesno"),
        WorldTask("claim_check", "entailment"),
        WorldTask("company_ner", "ner"),
        WorldTask("figure_lookup", "numeric"),
        WorldTask("deal_roles", "extractive_qa"),
        WorldTask("glossary", "open_qa"),
    ),
    "biomedicine": (
        WorldTask("passage_yesno", "yesno", "headline_yesno"),
        WorldTask("claim_check", "entailment"),
        WorldTask("figure_lookup", "numeric"),
        WorldTask("factoid_qa", "extractive_qa", "deal_roles"),
        WorldTask("glossary", "open_qa"),
        WorldTask("drug_interaction", "classification"),
        WorldTask("review_sentiment", "classification"),
        WorldTask("disease_ner", "ner"),
        WorldTask("chemical_ner", "ner"),
        WorldTask("gene_ner", "ner"),
    ),
    "law": (
        WorldTask("clause_presence", "yesno", "headline_yesno"),
        WorldTask("contract_entailment", "entailment", "claim_check", _ENTAILMENT),
        WorldTask("role_qa", "extractive_qa", "deal_roles"),
        WorldTask("glossary", "open_qa"),
        WorldTask("clause_type", "classification"),
        WorldTask("unfair_terms", "classification"),
        WorldTask("overruling", "yesno"),
        WorldTask("issue_spotting", "classification"),
        WorldTask("legal_ner", "ner"),
    ),
}
"""Which tasks nano-world has in a field, by the names that the field's domain gives them."""


@dataclass(frozen=True)
class WorldItem:
    """One item of nano-world, in the form of a domain's task files."""

    id: str
    task: str
    kind: str
    instruction: str
    input: str
    output: list[str]
    choices: list[str]
    metric: str
    split: str


def content(name: str) -> Domain | None:
    """Return the content of a field, or None if the corpus has none."""
    return next((domain for domain in load_domains() if domain.name == name), None)


def finance() -> Domain:
    """Return the finance content."""
    return next(domain for domain in load_domains() if domain.name == "finance")


def tasks_in(name: str) -> tuple[WorldTask, ...]:
    """Return the tasks of nano-world in a field, as far as the corpus has content for them."""
    domain = content(name)
    known = tasks_of(domain) if domain else []
    return tuple(task for task in FIELDS.get(name, ()) if (task.made_as or task.name) in known)


def choices_of(domain: Domain, task: WorldTask) -> list[str]:
    """Return the labels of a task as the corpus has them; empty for tasks without choices."""
    if domain.name == "finance" and task.name == "event_type":
        return tasks.FINANCE_EVENTS
    return labels_of(domain, task.made_as or task.name)


def renamed(item: Item, labels: dict[str, str]) -> Item | None:
    """Return an item with the field's own labels, or None if its instruction hints at others."""
    text = item.instruction
    for old, new in labels.items():
        text = text.replace(old, new)
    if any(old.removesuffix("ed") in text for old in labels):
        return None
    return replace(item, instruction=text, output=labels.get(item.output, item.output))


def _short_items(source: Source, task: WorldTask, count: int) -> list[Item]:
    """Return distinct items of at most ``WORDS`` words, the labels in turn."""
    labels = choices_of(source.domain, task)
    found: dict[str, Item] = {}
    for attempt in range(count * 200):
        wanted = labels[len(found) % len(labels)] if labels else None
        item = make_item(source, task.made_as or task.name, labels or None)
        if wanted and item.output != wanted and attempt < count * 150:
            continue
        if len(f"{item.instruction} {item.input}".split()) <= WORDS:
            own = renamed(item, task.labels)
            if own is not None:
                found.setdefault(item.input, own)
        if len(found) == count:
            break
    items = list(found.values())
    return _evened(items) if labels else items


def _evened(found: list[Item]) -> list[Item]:
    """Return items without what a label has more than ``UNEVEN`` times as many of as the rarest.

    Where a label has one held-out sentence and no slot in it, there is only one item of it.
    """
    counts = Counter(item.output for item in found)
    most = UNEVEN * min(counts.values(), default=0)
    seen = Counter[str]()
    kept = []
    for item in found:
        seen[item.output] += 1
        if seen[item.output] <= most:
            kept.append(item)
    return kept


def items(random_seed: int = 11, name: str = "finance") -> list[WorldItem]:
    """Return a field's test and dev items of all tasks, from held-out frames and names.

    A field that the corpus has no content for has no items.
    """
    made = []
    for task in tasks_in(name):
        source = _source(random_seed, name, task, held_out=True)
        found = _short_items(source, task, TEST + DEV)
        choices = [task.labels.get(label, label) for label in choices_of(source.domain, task)]
        tested = len(found) * TEST // (TEST + DEV)
        for number, item in enumerate(found):
            made.append(
                WorldItem(
                    f"nano-world-{task.name}-{number:02d}",
                    task.name,
                    task.kind,
                    item.instruction,
                    item.input,
                    [item.output],
                    choices,
                    METRICS[task.kind],
                    "dev" if number >= tested else "test",
                )
            )
    return made


def demonstrations(random_seed: int = 12, name: str = "finance") -> dict[str, list[Item]]:
    """Return ten demonstrations a task, from the frames that pretraining uses."""
    source = partial(_source, random_seed, name)
    return {task.name: _short_items(source(task), task, DEMONSTRATIONS) for task in tasks_in(name)}


def _source(random_seed: int, name: str, task: WorldTask, held_out: bool = False) -> Source:
    domain = content(name)
    assert domain is not None  # `tasks_in` gives no task otherwise
    return Source(Random(f"{random_seed} {task.name}"), domain, held_out)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m selfspec_nano.world", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--field", choices=sorted(FIELDS), default="finance")
    options = parser.parse_args(arguments)
    made = items(name=options.field)
    options.out.write_text("".join(json.dumps(asdict(item)) + "\n" for item in made), "utf-8")


if __name__ == "__main__":
    main()
