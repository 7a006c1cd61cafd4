"""Small tasks about any text, which teach reading the demonstrations and copying from the input."""

import re
from collections.abc import Callable
from random import Random

from selfspec_nano import names, reading, slots
from selfspec_nano.content import Domain
from selfspec_nano.slots import Filler

NUMBER = re.compile(r"\d[\d,]*\.?\d*")
NOUNS = (
    "boxes cups coins books lamps stones cards jars ropes bells seeds tiles pots keys chairs plates"
    " shares orders tickets loans trucks bottles parcels stores workers branches patients letters"
).split()


def sentence(rng: Random, domain: Domain) -> tuple[str, Filler, str]:
    """Return a filled event sentence, its filler and its frame."""
    fill = Filler(rng, domain)
    frame = rng.choice(rng.choice(domain.events).texts)
    return fill(frame), fill, frame


def last_word(rng: Random, domain: Domain) -> tuple[str, str]:
    """The last word of a sentence, without the full stop."""
    text = sentence(rng, domain)[0]
    return text, text.rstrip(".?!").split()[-1]


def first_word(rng: Random, domain: Domain) -> tuple[str, str]:
    """The first word of a sentence."""
    text = sentence(rng, domain)[0]
    return text, text.split()[0]


def _figure(rng: Random) -> int:
    return rng.randint(1, 10 ** rng.choice((1, 2, 3, 4)))


def larger(rng: Random, domain: Domain) -> tuple[str, str]:
    """The larger of two numbers."""
    first, second = _figure(rng), _figure(rng)
    return f"{first} {rng.choice(('and', 'or', ',', 'against'))} {second}", str(max(first, second))


def quoted(rng: Random, domain: Domain) -> tuple[str, str]:
    """The part of a sentence that stands in quotation marks."""
    name = rng.choice((names.organisation(rng, domain.name), names.person(rng), names.word(rng)))
    text = sentence(rng, domain)[0].rstrip(".")
    return f'{text}, "{name}" was told.' if rng.random() < 0.5 else f'"{name}": {text}.', name


def count_organisations(rng: Random, domain: Domain) -> tuple[str, str]:
    """How many organisations a text names, as a digit."""
    text, fill, frame = sentence(rng, domain)
    found = fill.organisations(frame, text)
    if rng.random() < 0.4:
        more, fill, frame = sentence(rng, domain)
        text, found = f"{text} {more}", found + fill.organisations(frame, more)
    return text, str(len(found))


def first_organisation(rng: Random, domain: Domain) -> tuple[str, str]:
    """The organisation that is named first."""
    text, fill, frame = sentence(rng, domain)
    return text, fill.organisations(frame, text)[0]


def last_organisation(rng: Random, domain: Domain) -> tuple[str, str]:
    """The organisation that is named last."""
    text, fill, frame = sentence(rng, domain)
    more, fill, frame = sentence(rng, domain)
    return f"{text} {more}", fill.organisations(frame, more)[-1]


def where(rng: Random, domain: Domain) -> tuple[str, str]:
    """The city in which something happened."""
    city = names.city(rng)
    text = sentence(rng, domain)[0].rstrip(".")
    form = rng.choice(("{t}, it was announced in {c}.", "{c}: {t}.", "{t}, people in {c} said."))
    return form.format(t=text, c=city), city


def who(rng: Random, domain: Domain) -> tuple[str, str]:
    """The person who spoke."""
    person = names.person(rng)
    text = sentence(rng, domain)[0].rstrip(".")
    form = rng.choice(
        ("{t}, {p} said.", "{t}, according to {p}.", "{p} wrote: {t}.", "{t}, {p} added.")
    )
    return form.format(t=text, p=person), person


def when(rng: Random, domain: Domain) -> tuple[str, str]:
    """The day or month that a text names."""
    day = rng.choice(rng.choice((slots.DAYS, slots.MONTHS)))
    text = sentence(rng, domain)[0].rstrip(".")
    while any(word in text for word in (*slots.DAYS, *slots.MONTHS)):
        text = sentence(rng, domain)[0].rstrip(".")
    return f"{text}, a notice in {day} said." if day in slots.MONTHS else f"{day}: {text}.", day


def first_number(rng: Random, domain: Domain) -> tuple[str, str]:
    """The first number of a sentence."""
    while True:
        text = sentence(rng, domain)[0]
        found = NUMBER.search(text)
        if found:
            return text, found.group().rstrip(".,")


def holding(rng: Random, domain: Domain) -> tuple[str, str]:
    """How many of one thing somebody has, out of two to four things."""
    owner = rng.choice((names.organisation(rng, domain.name), names.person(rng), names.word(rng)))
    things = rng.sample(NOUNS, rng.randint(2, 4))
    counts = [slots.count(rng) for _ in things]
    pick = rng.randrange(len(things))
    parts = ", ".join(f"{n} {t}" for n, t in zip(counts, things, strict=True))
    return f"{owner} has {parts}. Question: How many {things[pick]}?", counts[pick]


def owner_of(rng: Random, domain: Domain) -> tuple[str, str]:
    """Who of two to four owners has a thing."""
    things = rng.sample(NOUNS, rng.randint(2, 4))
    firms = rng.choice((True, False))
    owners = [names.organisation(rng, domain.name) if firms else names.person(rng) for _ in things]
    verb = rng.choice(("has", "sold", "ordered", "bought", "lent", "counted"))
    pick = rng.randrange(len(things))
    text = ". ".join(f"{o} {verb} {t}" for o, t in zip(owners, things, strict=True))
    return f"{text}. Question: Who {verb} {things[pick]}?", owners[pick]


def value_of(rng: Random, domain: Domain) -> tuple[str, str]:
    """The value that belongs to a key in a short list."""
    keys = [names.word(rng) for _ in range(rng.randint(2, 4))]
    draw = rng.choice((slots.money, slots.count, names.word, slots.percent, names.city))
    values = [draw(rng) for _ in keys]
    join = rng.choice((": ", " = ", " - ", " gets "))
    pick = rng.randrange(len(keys))
    listed = ", ".join(f"{k}{join}{v}" for k, v in zip(keys, values, strict=True))
    return f"{listed}. Question: {keys[pick]}?", values[pick]


def repeat(rng: Random, domain: Domain) -> tuple[str, str]:
    """The text itself."""
    draw = (names.word, slots.money, slots.count, names.person, names.city)
    parts = [rng.choice(draw)(rng) for _ in range(rng.randint(1, 4))]
    text = rng.choice((", ", " ", " / ")).join(parts)
    return text, text


def roles(rng: Random, domain: Domain) -> tuple[str, str]:
    """Who did it, or to whom."""
    return reading.roles(rng, domain.name)


def goods(rng: Random, domain: Domain) -> tuple[str, str]:
    """What changed hands."""
    return reading.goods(rng, domain.name)


def quote(rng: Random, domain: Domain) -> tuple[str, str]:
    """The words in quotation marks."""
    return reading.quote(rng, domain.name)


WORDINGS = """
roles|Answer with a name.|Who is asked for?|Find the party.|Read the line and answer.
goods|Answer the question.|What is it about?|Give the goods.|Copy the answer from the text.
quote|Copy the words in quotation marks.|Give the quotation.|What does it say? Copy it.|Quoted words
last_word|Write the last word of the text.|Repeat the final word.|Which word comes last?|Last word
first_word|Write the first word.|What is the first word of the line?|Give the opening word.
larger|Which number is larger?|Write the bigger number.|Pick the greater one.|Largest number
quoted|Copy what stands in quotation marks.|Give the quoted name.|Which name is quoted?
count_organisations|How many organisations are named?|Count the companies.|Number of firms
first_organisation|Name the first organisation in the text.|Which company is named first?|First firm
last_organisation|Which company is named last?|Give the last organisation.|Last firm mentioned
where|In which city was this said?|Pick the city.|Name the place of the announcement.
who|Who said this?|Name the speaker.|Give the person who is quoted.|Who is speaking?
when|Which day or month is named?|Find the date word.|When was it?
first_number|Write the first number in the text.|Which number comes first?|First figure
holding|Answer with a number.|How many are there?|Read the counts and answer.
owner_of|Who is it?|Answer with the owner's name.|Name the one asked for.
value_of|Give the value of the key.|Look up the entry.|Find what belongs to the name.
repeat|Repeat the text.|Copy the line.|Write it again.|Say the same.
"""
MAKERS: dict[str, Callable[[Random, Domain], tuple[str, str]]] = {}
INSTRUCTIONS: dict[str, tuple[str, ...]] = {}
for _line in WORDINGS.strip().split("\n"):
    _name, *_forms = _line.split("|")
    MAKERS[_name] = globals()[_name]
    INSTRUCTIONS[_name] = tuple(_forms)
