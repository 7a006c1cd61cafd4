"""Ways of hiding a test item in a proposal: what `leaks.py` measures the firewall with.

Words that are put in or that replace others are drawn from all items, so they look like the rest.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from selfspec_core.types import Item

BEFORE = "The following was filed last week and has been shortened for this exercise."
AFTER = "Nothing else in the file bears on the matter, and no reply has come so far."


@dataclass(frozen=True)
class Planted:
    """A proposal with its answer; enough of a row for the firewall."""

    instruction: str
    input: str
    output: str
    id: str = "planted"


@dataclass(frozen=True)
class Words:
    """Random choices of an edit, and the words it may put in."""

    rng: random.Random
    other: Sequence[str] = field(repr=False)

    def put_in(self, text: str, count: int) -> str:
        tokens = text.split()
        for _ in range(count):
            tokens.insert(self.rng.randint(0, len(tokens)), self.rng.choice(self.other))
        return " ".join(tokens)

    def replace(self, text: str, count: int) -> str:
        tokens = text.split()
        for at in self.rng.sample(range(len(tokens)), min(count, len(tokens))):
            tokens[at] = self.rng.choice(self.other)
        return " ".join(tokens)

    def replace_each(self, text: str, step: int) -> str:
        tokens = text.split()
        for at in range(self.rng.randrange(step), len(tokens), step):
            tokens[at] = self.rng.choice(self.other)
        return " ".join(tokens)

    def swap_each(self, text: str, step: int) -> str:
        tokens = text.split()
        for at in range(self.rng.randrange(step - 1), len(tokens) - 1, step):
            tokens[at : at + 2] = tokens[at + 1], tokens[at]
        return " ".join(tokens)

    def recase(self, text: str) -> str:
        return self.rng.choice([text.upper(), text.lower(), text.title(), text.swapcase()])

    def respace(self, text: str) -> str:
        """Changes or drops the punctuation between words, and every space."""
        marks = re.compile(r"(?<!\w)[^\w\s]|[^\w\s](?!\w)")
        text = marks.sub(lambda _: self.rng.choice(("", " ;", " -", ",")), text)
        return re.sub(r"\s+", lambda _: self.rng.choice((" ", "  ", " - ")), text.strip())


Edit = Callable[[Item, Words], Planted]


def plain(item: Item) -> str:
    """Returns what makes the item: its input, or its instruction where it has none."""
    return item.input if item.input.strip() else item.instruction


def answer(item: Item) -> str:
    first = item.output[0] if item.output else "none"
    return first if isinstance(first, str) else first[0]


def of_text(change: Callable[[str, Words], str]) -> Edit:
    """Makes an edit of a change of the text, which then stands where the item's own stood."""

    def edit(item: Item, by: Words) -> Planted:
        text = change(plain(item), by)
        parts = (item.instruction, text) if item.input.strip() else (text, "")
        return Planted(*parts, answer(item))

    return edit


def split(item: Item, by: Words) -> Planted:
    tokens = plain(item).split()
    at = by.rng.randint(1, max(len(tokens) - 1, 1))
    return Planted(" ".join(tokens[:at]), " ".join(tokens[at:]), answer(item))


def answered(item: Item, by: Words) -> Planted:
    by_answer = Words(by.rng, [f"(answer: {answer(item)})"])
    return of_text(lambda text, _: by_answer.put_in(text, 1))(item, by)


def as_response(item: Item, by: Words) -> Planted:
    return Planted("Write a text of the kind that is usual here.", "Keep it short.", plain(item))


EDITS: dict[str, Edit] = {
    "verbatim": of_text(lambda text, by: text),
    "re-cased": of_text(lambda text, by: by.recase(text)),
    "re-spaced, other punctuation": of_text(lambda text, by: by.respace(text)),
    "1 word inserted": of_text(lambda text, by: by.put_in(text, 1)),
    "2 words inserted": of_text(lambda text, by: by.put_in(text, 2)),
    "4 words inserted": of_text(lambda text, by: by.put_in(text, 4)),
    "1 word replaced": of_text(lambda text, by: by.replace(text, 1)),
    "2 words replaced": of_text(lambda text, by: by.replace(text, 2)),
    "4 words replaced": of_text(lambda text, by: by.replace(text, 4)),
    "every eighth word replaced": of_text(lambda text, by: by.replace_each(text, 8)),
    "every fourth word replaced": of_text(lambda text, by: by.replace_each(text, 4)),
    "neighbours swapped, 1 in 8": of_text(lambda text, by: by.swap_each(text, 8)),
    "split over instruction and input": split,
    "its answer put into the text": answered,
    "part of a longer text": of_text(lambda text, by: f"{BEFORE} {text} {AFTER}"),
    "the same, 2 words replaced": of_text(
        lambda text, by: f"{BEFORE} {by.replace(text, 2)} {AFTER}"
    ),
    "as the response": as_response,
}
SURE = ("verbatim", "re-cased")
"""Edits of which every single one must be found."""


def plant(items: Sequence[Item], edit: str, random_seed: int = 0) -> list[Planted]:
    """Returns every item, edited."""
    other = [word for item in items for word in plain(item).split()]
    by = Words(random.Random(f"{edit}/{random_seed}"), other)
    return [EDITS[edit](item, by) for item in items]
