"""Rows that can only be predicted by copying: pairs, lists, repeats, forms, lookups and drills."""

from random import Random

from selfspec_nano import drillsheets, lookups, names, slots
from selfspec_nano.marks import marked

PAIRS = (
    ("{k}: {v}\n", "\n? {k}\n> {v}\n"),
    ("{k} = {v}; ", "get {k} = {v}; "),
    ("{k} -> {v}\n", "Q: {k}\nA: {v}\n"),
    ("the {k} costs {v}, ", "how much is the {k}? {v}. "),
    ("{k} | {v}\n", "Find {k}\nAnswer: {v}\n"),
    ("{k} paid {v}. ", "Who paid {v}? {k}. "),
    ("{k} works for {v}. ", "Text: Whom does {k} work for?\nAnswer: {v}\n"),
    ("{k} met {v}. ", "Question: Who met {v}?\nAnswer: {k}\n"),
)
MEETINGS = (
    "{a} met {b} in the garden.",
    "{a} sold the house to {b}.",
    "The office of {a} was visited by {b}.",
    "{a} and {b} share a boat.",
    "After {a} called, {b} left the market.",
    "{n} people saw {a} and {b} on the train.",
    "{a} lent {m} to {b}.",
    "{b} was bought by {a} for {m}.",
    "A letter from {a} reached {b} on {d}.",
    "In {c}, {a} beat {b} by {n} votes.",
)
LISTS = (
    " Names: {a}, {b}\n",
    "\nWho is named? {a}, {b}\n",
    " -> {a}; {b}\n",
    "\nText names {a}, {b}\n",
    "\nAnswer: {a}, {b}\n\n",
)
FORM = {
    "Name": ("who", names.person),
    "City": ("where", names.city),
    "Firm": ("which firm", lambda rng: names.organisation(rng, "finance")),
    "Price": ("how much", slots.money),
    "Count": ("how many", slots.count),
    "Rate": ("what rate", slots.percent),
    "Code": ("what code", lambda rng: str(rng.randint(10, 99999))),
    "Day": ("what day", lambda rng: rng.choice(slots.DAYS)),
    "Owner": ("whose", names.word),
    "Month": ("what month", lambda rng: rng.choice(slots.MONTHS)),
}


def name(rng: Random) -> str:
    """Return a word, a person or an organisation."""
    style = rng.random()
    if style < 0.45:
        return names.word(rng)
    if style < 0.65:
        return names.person(rng)
    return names.organisation(rng, rng.choice(list(names.KINDS)))


def value(rng: Random) -> str:
    """Return a name, a sum, a count or a number."""
    style = rng.random()
    if style < 0.5:
        return name(rng)
    if style < 0.7:
        return slots.money(rng)
    return slots.count(rng) if style < 0.85 else str(rng.randint(1, 10 ** rng.randint(1, 5)))


def pairs(rng: Random) -> str:
    """Return keys with values, then every key asked for in another order."""
    first, again = rng.choice(PAIRS)
    rows = [{"k": name(rng), "v": value(rng)} for _ in range(rng.randint(2, 6))]
    text = "".join(first.format(**row) for row in rows)
    rng.shuffle(rows)
    return text + marked("".join(again.format(**row) for row in rows)) + "\n"


def meetings(rng: Random) -> str:
    """Return sentences about two names, each followed by the list of both."""
    after = rng.choice(LISTS)
    text = ""
    for _ in range(rng.randint(1, 4)):
        pair = {"a": name(rng), "b": name(rng)}
        frame = rng.choice(MEETINGS)
        extra = {"n": slots.count(rng), "m": slots.money(rng), "c": names.city(rng)}
        text += frame.format(**pair, **extra, d=rng.choice(slots.DAYS))
        flip = frame.index("{b}") < frame.index("{a}")
        text += marked(after.format(**({"a": pair["b"], "b": pair["a"]} if flip else pair)))
    return text


def repeats(rng: Random) -> str:
    """Return a list of names and figures, written two to four times."""
    parts = [value(rng) for _ in range(rng.randint(2, 8))]
    between = rng.choice(("\nAgain: ", "\nRepeat: ", " || ", "\n", "\n\n"))
    return (
        between.join([rng.choice((", ", " ", "\n", " / ")).join(parts)] * rng.randint(2, 4)) + "\n"
    )


def form(rng: Random) -> str:
    """Return a filled form and questions on it."""
    picked = rng.sample(list(FORM), rng.randint(2, 5))
    rows = [(label, FORM[label][0], FORM[label][1](rng)) for label in picked]
    text = "".join(f"{label}: {v}\n" for label, _, v in rows)
    rng.shuffle(rows)
    return text + "".join(f"Q: {asked}? A: {marked(v)}\n" for _, asked, v in rows)


def row(rng: Random, drill_share: float) -> str:
    """Return one copy row of any kind, so often a drill."""
    if rng.random() < drill_share:
        return drillsheets.sheet(rng)
    kinds = pairs, meetings, repeats, form, lookups.sheet
    return rng.choices(kinds, (0.2, 0.12, 0.12, 0.12, 0.44))[0](rng)
