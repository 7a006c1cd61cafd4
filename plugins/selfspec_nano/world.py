"""nano-world: items in nano's own manner from frames and names that pretraining never used.

``python -m selfspec_nano.world OUT.jsonl`` writes the items.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from selfspec_nano import tasks
from selfspec_nano.content import Domain, load_domains
from selfspec_nano.tasks import Item, Source, labels_of, make_item

KINDS = {
    "headline_sentiment": "classification",
    "event_type": "classification",
    "policy_stance": "classification",
    "headline_yesno": "yesno",
    "claim_check": "entailment",
    "company_ner": "ner",
    "figure_lookup": "numeric",
    "deal_roles": "extractive_qa",
    "glossary": "open_qa",
}
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


def finance() -> Domain:
    """Return the finance content."""
    return next(domain for domain in load_domains() if domain.name == "finance")


def choices_of(task: str) -> list[str]:
    """Return the labels of a finance task; empty for tasks without choices."""
    return tasks.FINANCE_EVENTS if task == "event_type" else labels_of(finance(), task)


def _short_items(source: Source, task: str, count: int) -> list[Item]:
    """Return distinct items of at most ``WORDS`` words, the labels in turn."""
    labels = choices_of(task)
    found: dict[str, Item] = {}
    for attempt in range(count * 200):
        wanted = [labels[len(found) % len(labels)]] if labels else None
        item = make_item(source, task, labels or None)
        if wanted and item.output not in wanted and attempt < count * 150:
            continue
        if len(f"{item.instruction} {item.input}".split()) <= WORDS:
            found.setdefault(item.input, item)
        if len(found) == count:
            break
    return list(found.values())


def items(random_seed: int = 11) -> list[WorldItem]:
    """Return the test and dev items of all tasks, from held-out frames and names."""
    made = []
    for task, kind in KINDS.items():
        source = Source(Random(f"{random_seed} {task}"), finance(), held_out=True)
        for number, item in enumerate(_short_items(source, task, TEST + DEV)):
            split = "dev" if number % (TEST + DEV) >= TEST else "test"
            made.append(
                WorldItem(
                    f"nano-world-{task}-{number:02d}",
                    task,
                    kind,
                    item.instruction,
                    item.input,
                    [item.output],
                    choices_of(task),
                    METRICS[kind],
                    split,
                )
            )
    return made


def demonstrations(random_seed: int = 12) -> dict[str, list[Item]]:
    """Return ten demonstrations a task, from the frames that pretraining uses."""
    return {
        task: _short_items(Source(Random(f"{random_seed} {task}"), finance()), task, DEMONSTRATIONS)
        for task in KINDS
    }


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m selfspec_nano.world", description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    out.write_text("".join(json.dumps(asdict(item)) + "\n" for item in items()), "utf-8")


if __name__ == "__main__":
    main()
