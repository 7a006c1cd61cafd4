"""Sentences about who did what to whom, active and passive, with questions on their roles."""

from collections.abc import Callable
from random import Random

from selfspec_nano import names, slots

# base, past, participle
VERBS = """
sell sold sold|buy bought bought|sue sued sued|hire hired hired|pay paid paid|visit visited visited
warn warned warned|call called called|beat beat beaten|praise praised praised|blame blamed blamed
thank thanked thanked|train trained trained|advise advised advised|fine fined fined
invite invited invited|replace replaced replaced|fund funded funded|audit audited audited
insure insured insured|represent represented represented|examine examined examined
help helped helped|accuse accused accused|support supported supported|appoint appointed appointed
rescue rescued rescued|defeat defeated defeated|question questioned questioned|teach taught taught
outbid outbid outbid|acquire acquired acquired|overtake overtook overtaken|follow followed followed
inspect inspected inspected|compensate compensated compensated|notify notified notified
"""
VERB_LIST = [tuple(verb.split()) for line in VERBS.strip().split("\n") for verb in line.split("|")]
PLACES = ("in {City}", "on {Day}", "in {Month}", "near {City}", "for {M}", "after {K} weeks", "")
ACTIVE = ("{s} {past} {o} {p}.", "{P}, {s} {past} {o}.", "It was {s} that {past} {o} {p}.")
PASSIVE = ("{o} was {done} by {s} {p}.", "{P}, {o} was {done} by {s}.")
ADJECTIVES = "old new large small cheap heavy empty broken spare used red blue wooden steel".split()
GOODS = (
    "lorries vans desks ovens pumps tents sofas boats trucks chairs lamps pipes engines beds tools "
    "houses shops farms machines books coats clocks mirrors fridges wagons barrels carpets"
).split()
GIVING = """
buy bought {s} bought {g} for {o} {p}.
order ordered {s} ordered {g} from {o} {p}.
send sent {s} sent {g} to {o} {p}.
lend lent {s} lent {g} to {o} {p}.
sell sold {s} sold {g} to {o} {p}.
sell sold {g} were sold to {o} by {s} {p}.
sell sold {P}, {o} bought {g} from {s}.
lease leased {s} leased {g} to {o} {p}.
deliver delivered {g} were delivered by {s} to {o} {p}.
repair repaired {s} repaired {g} of {o} {p}.
store stored {s} stored {g} for {o} {p}.
promise promised {s} promised {g} to {o} {p}.
"""
GIVING_LIST = [tuple(line.split(" ", 2)) for line in GIVING.strip().split("\n")]
DRAW: dict[str, Callable[[Random], str]] = {
    "City": names.city,
    "Day": lambda rng: rng.choice(slots.DAYS),
    "Month": lambda rng: rng.choice(slots.MONTHS),
    "M": slots.money,
    "K": lambda rng: str(rng.randint(2, 40)),
}


def _party(rng: Random, field: str) -> str:
    return names.person(rng) if rng.random() < 0.4 else names.organisation(rng, field)


def _filled(rng: Random, form: str, **parts: str) -> str:
    place = rng.choice(PLACES)
    if not place and "{P}" in form:
        place = "in {Month}"
    for slot, draw in DRAW.items():
        if f"{{{slot}}}" in place:
            place = place.replace(f"{{{slot}}}", draw(rng))
    text = form.format(p=place, P=slots.capitalise(place), **parts)
    return slots.capitalise(text.replace(" .", "."))


def roles(rng: Random, field: str) -> tuple[str, str]:
    """Return a sentence with two parties and a question, and the party it asks for."""
    subject, other = _party(rng, field), _party(rng, field)
    base, past, done = rng.choice(VERB_LIST)
    form = rng.choice(rng.choice((ACTIVE, PASSIVE)))
    text = _filled(rng, form, s=subject, o=other, past=past, done=done)
    if rng.random() < 0.5:
        asked = rng.choice((f"Who {past} {other}?", f"Who {past}?", f"Who {past} the other?"))
        return f"{text} Question: {asked}", subject
    asked = rng.choice((f"Whom did {subject} {base}?", f"Who was {done}?", f"Who got {done}?"))
    return f"{text} Question: {asked}", other


def goods(rng: Random, field: str) -> tuple[str, str]:
    """Return a sentence about goods that change hands, a question, and the phrase it asks for."""
    subject, other = _party(rng, field), _party(rng, field)
    base, past, form = rng.choice(GIVING_LIST)
    what = f"{rng.choice(ADJECTIVES)} {rng.choice(GOODS)}"
    if rng.random() < 0.6:
        what = f"{slots.count(rng)} {what}"
    text = _filled(rng, form, s=subject, o=other, g=what)
    asked = rng.choice((f"What was {past}?", f"What did {subject} {base}?", "Which goods?"))
    return f"{text} Question: {asked}", what


def quote(rng: Random, field: str) -> tuple[str, str]:
    """Return a sentence with a quotation of two to five words, and the quotation."""
    parts = [rng.choice(GOODS), rng.choice(ADJECTIVES), names.word(rng), names.person(rng)]
    parts += [str(rng.randint(2, 900)), rng.choice(slots.DAYS)]
    words = " ".join(rng.sample(parts, rng.randint(2, 4)))
    where = names.organisation(rng, field)
    form = rng.choice(
        (
            'A sign at {w} reads "{q}".',
            '{w} printed "{q}" on the box.',
            '"{q}" was painted on the door of {w}.',
            'In {w} a clerk wrote "{q}" and left.',
            'The note from {w} said "{q}".',
        )
    )
    return form.format(w=where, q=words), words
