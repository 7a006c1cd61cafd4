"""The copy test: do unseen names, numbers, lists and spans of the input come back?

``python -m selfspec_nano.copytest [FOLDER]`` prints a table of exact match, greedy, after three
demonstrations in the Task/Text/Answer layout. Names are of the part that pretraining never uses.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from selfspec_nano import names, slots, tokenizer, weights_path
from selfspec_nano.generate import complete
from selfspec_nano.layouts import STANDARD
from selfspec_nano.source import Item

if TYPE_CHECKING:
    from tokenizers import Tokenizer

THINGS = "lorries vans desks ovens pumps cranes tents violins sofas ladders".split()


def _firm(rng: Random) -> str:
    return names.organisation(rng, "finance", held_out=True)


def one_name(rng: Random) -> Item:
    """Name the only firm of a sentence."""
    firm, thing = _firm(rng), rng.choice(THINGS)
    text = rng.choice(("{f} ordered {n} {t} last week.", "Last week {n} {t} were sold by {f}."))
    text = text.format(f=firm, n=slots.count(rng), t=thing)
    return Item("one name", "Which firm is named?", text, firm)


def who_of_two(rng: Random) -> Item:
    """Name the seller of two firms."""
    seller, buyer = _firm(rng), _firm(rng)
    text = f"{seller} sold its {rng.choice(THINGS)} to {buyer} for {slots.money(rng)}."
    side = rng.random() < 0.5
    asked = "Who sold?" if side else "Who bought?"
    return Item(
        "who of two", "Answer with a name.", f"{text} Question: {asked}", seller if side else buyer
    )


def two_names(rng: Random) -> Item:
    """List the two firms of a sentence."""
    first, second = _firm(rng), _firm(rng)
    text = f"{first} and {second} will share {slots.count(rng)} {rng.choice(THINGS)}."
    return Item("list of two", "List the firms.", text, f"{first}, {second}")


def number(rng: Random) -> Item:
    """Look up one count of two."""
    things = rng.sample(THINGS, 2)
    counts = [slots.count(rng) for _ in things]
    pick = rng.randrange(2)
    text = f"{_firm(rng)} bought {counts[0]} {things[0]} and {counts[1]} {things[1]}."
    return Item(
        "number of two",
        "Find the number.",
        f"{text} Question: How many {things[pick]}?",
        counts[pick],
    )


def sum_of_money(rng: Random) -> Item:
    """Look up the only sum of money."""
    paid = slots.money(rng)
    text = f"{_firm(rng)} paid {paid} for {slots.count(rng)} {rng.choice(THINGS)}."
    return Item("money", "Give the amount.", f"{text} Question: How much was paid?", paid)


def key_value(rng: Random) -> Item:
    """Look up the value of one key of four."""
    keys = [names.person(rng, held_out=True) for _ in range(4)]
    values = [names.word(rng) for _ in keys]
    pick = rng.randrange(4)
    listed = ", ".join(f"{k}: {v}" for k, v in zip(keys, values, strict=True))
    return Item(
        "key of four", "Look up the entry.", f"{listed}. Question: {keys[pick]}?", values[pick]
    )


def quotation(rng: Random) -> Item:
    """Copy a quoted span of two to four words."""
    span = " ".join(rng.sample(THINGS, 2)) + " " + names.person(rng, held_out=True)
    text = f'A notice said "{span}" at {_firm(rng)}.'
    return Item("quotation", "Copy the words in quotation marks.", text, span)


def phrase(rng: Random) -> Item:
    """Answer with a phrase of three or four words."""
    span = f"{rng.choice(THINGS)} for {names.person(rng, held_out=True)}"
    text = f"{_firm(rng)} bought {span} on {rng.choice(slots.DAYS)}."
    return Item("span", "Answer the question.", f"{text} Question: What was bought?", span)


KINDS: tuple[Callable[[Random], Item], ...] = (
    one_name,
    who_of_two,
    two_names,
    number,
    sum_of_money,
    key_value,
    phrase,
    quotation,
)


def copy_scores(model: Any, encoder: "Tokenizer", size: int = 100) -> dict[str, float]:
    """Return exact match by kind.

    Args:
        model: the model.
        encoder: its tokenizer.
        size: prompts of each kind.
    """
    rng = Random(20)
    prompts, wanted = [], []
    for kind in KINDS:
        for _ in range(size):
            shown = "".join(STANDARD.entry(kind(rng)) + "\n\n" for _ in range(3))
            item = kind(rng)
            prompts.append(f"{shown}{STANDARD.prompt(item)}\nAnswer:")
            wanted.append(item)
    given = complete(model, encoder, prompts)
    hits: dict[str, list[bool]] = {}
    for item, text in zip(wanted, given, strict=True):
        hits.setdefault(item.task, []).append(text == item.output)
    return {kind: round(sum(h) / len(h), 2) for kind, h in hits.items()}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m selfspec_nano.copytest", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=weights_path())
    parser.add_argument("--size", type=int, default=100, help="prompts of each kind")
    options = parser.parse_args()
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(options.folder, dtype="float32").eval()
    for kind, score in copy_scores(model, tokenizer.load(options.folder), options.size).items():
        print(f"{kind:16s}{score:6.2f}")  # noqa: T201  the table is what this command is for


if __name__ == "__main__":
    main()
