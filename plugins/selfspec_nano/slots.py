"""Filling of frames: names, money, percents, counts, dates and each field's own word lists."""

import re
from collections.abc import Callable
from random import Random

from selfspec_nano import names
from selfspec_nano.content import Domain, fields

UNITS = ("million",) * 6 + ("billion",) * 2
CURRENCIES = "euros|pounds|dollars|yen|francs|crowns|rupees|pesos|Swiss francs|rand".split("|")
ORDINALS = "first second third fourth".split()
MONTHS = (
    "January February March April May June July August September October November December"
).split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
COMMON = frozenset(
    "A B D X Y M M2 P P2 N N2 K Q Month Day Year City Country Cents City2 Country2 K2".split()
)
NEEDS_AN = re.compile(r"\ba (?=(?!one\b|eu|Eu|is\b|in\b|or\b|and\b)[aeioAEIO])")
NEEDS_A = re.compile(r"\ban (?=[bcdfgjklmnpqrstvwyz])")
ORGANISATIONS = ("A", "B", "D", "Rater")


def amount(rng: Random) -> str:
    """Return a bare amount with at most one decimal, small ones more often."""
    whole = rng.randint(1, 10 ** rng.choice((1, 2, 2, 3)) - 1)
    return f"{whole}.{rng.randint(1, 9)}" if whole < 100 and rng.random() < 0.5 else str(whole)


def money(rng: Random) -> str:
    """Return a sum of money as a newspaper writes it, such as ``$4.2 million``."""
    style = rng.random()
    if style < 0.5:
        return f"${amount(rng)} {rng.choice(UNITS)}"
    if style < 0.88:
        return f"{amount(rng)} {rng.choice(UNITS)} {rng.choice(CURRENCIES)}"
    thousands = f"{rng.randint(1, 999)},{rng.randint(0, 999):03d}"
    return f"${thousands}" if rng.random() < 0.6 else f"{thousands} {rng.choice(CURRENCIES)}"


def percent(rng: Random) -> str:
    """Return a bare number for percents, such as ``12`` or ``3.5``."""
    if rng.random() < 0.45:
        return f"{rng.randint(0, 19)}.{rng.randint(1, 9)}"
    return str(rng.randint(2, 60))


def count(rng: Random) -> str:
    """Return a count, with a comma from one thousand on, such as ``340`` or ``1,200``."""
    value = rng.randint(3, 10 ** rng.choice((2, 3, 3, 4, 5)) - 1)
    if value > 100 and rng.random() < 0.6:
        value = value // 10 * 10
    return f"{value:,}"


def capitalise(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


class Filler(dict[str, str]):
    """The slot values of one item, drawn when first needed and then kept.

    Args:
        rng: source of randomness.
        domain: the field whose word lists and kinds of organisation are used.
        held_out: whether names come from the part kept for nano-world.
    """

    def __init__(self, rng: Random, domain: Domain, held_out: bool = False) -> None:
        super().__init__()
        self.rng, self.domain, self.held_out = rng, domain, held_out

    def __missing__(self, slot: str) -> str:
        for _ in range(8):
            value = self._draw(slot)
            if value not in self.values():
                break
        self[slot] = value
        return value

    def _draw(self, slot: str) -> str:
        rng = self.rng
        base = slot.rstrip("23456789")
        if slot == "Rater" and rng.random() < 0.7:  # a word list of raters could be memorised
            return f"{names.word(rng)} {rng.choice(('Ratings', 'Credit', 'Research', 'Analytics'))}"
        if base in names.INVENTED and rng.random() < 0.6:  # so that a word list is not enough
            return names.INVENTED[base](rng)
        if slot in self.domain.slots or base in self.domain.slots:
            return rng.choice(self.domain.slots.get(slot) or self.domain.slots[base])
        if base in ORGANISATIONS:
            return names.organisation(rng, self.domain.name, self.held_out)
        if base in ("X", "Y"):
            return names.person(rng, self.held_out)
        return DRAW[base](rng) if base in DRAW else names.INVENTED[base](rng)

    def __call__(self, template: str) -> str:
        """Return the template with its slots filled and its first letter in upper case."""
        text = template.format_map(self) if "{" in template else template
        return capitalise(NEEDS_A.sub("a ", NEEDS_AN.sub("an ", text)))

    def raw(self, template: str) -> str:
        """Return the template with its slots filled and its case untouched."""
        return template.format_map(self)

    def organisations(self, template: str, text: str) -> list[str]:
        """Return the organisations that fill a template, in their order in the text."""
        found = [self[slot] for slot in ORGANISATIONS if slot in fields(template)]
        return sorted(found, key=text.index)


DRAW: dict[str, Callable[[Random], str]] = {
    "M": money,
    "P": percent,
    "N": count,
    "K": lambda rng: str(rng.randint(2, 40)),
    "Q": lambda rng: rng.choice(ORDINALS),
    "Month": lambda rng: rng.choice(MONTHS),
    "Day": lambda rng: rng.choice(DAYS),
    "Year": lambda rng: str(rng.randint(1985, 2035)),
    "City": names.city,
    "Country": names.country,
    "Cents": lambda rng: str(rng.randint(1, 95)),
}
