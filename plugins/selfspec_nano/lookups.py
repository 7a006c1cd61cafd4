"""Worksheets whose answers stand in their texts: practice in finding and copying the right words.

Three sorts: questions on scenes, lists of the names in a sentence, and entries of a register. All
names are invented anew, so that nothing but reading answers them.
"""

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from selfspec_nano import names, slots
from selfspec_nano.content import fields, load_domains
from selfspec_nano.layouts import Layout, layout
from selfspec_nano.source import Item

ANY_WORDS = 0.7
"""Share of things that are words drawn at random, without sense: what is likely is no help."""
EXPLAINED = 0.15
"""Share of sheets of one wording that show it."""
ANSWER_BY_TEXT = (
    "Answer the question.", "Answer from the text.", "Find the answer.", "Reply in a few words.",
    "Read and answer.",
)  # fmt: skip
LOOK_UP = (
    "Find the entry.", "What belongs to it?", "Give the value.", "Search the register.",
    "Look it up.", "Which value is asked for?",
)  # fmt: skip


@cache
def content() -> dict[str, Any]:
    """Read the scenes."""
    return tomllib.loads((files(__package__) / "lookups.toml").read_text("utf-8"))


def fill(rng: Random, *templates: str) -> list[str]:
    """Fill templates that belong together with the same invented names and figures."""
    kind = rng.choice(list(names.KINDS))
    makers: dict[str, Callable[[Random], str]] = {
        **dict.fromkeys("pqz", names.person),
        **dict.fromkeys("fgh", lambda rng: names.organisation(rng, kind)),
        **dict.fromkeys("wvu", names.word),
        **dict.fromkeys("nk", slots.count),
        "c": names.city,
        "m": slots.money,
        "r": slots.percent,
        "d": lambda rng: rng.choice(slots.DAYS),
        "o": lambda rng: rng.choice(slots.MONTHS),
    }
    needed = sorted(set().union(*map(fields, templates)))
    values = {slot: makers[slot](rng) for slot in needed if slot in makers}
    if "s" in needed:
        values["s"] = _thing(rng)
    if "x" in needed:
        values["x"] = f"{_thing(rng)} {names.word(rng)}" if rng.random() < 0.5 else _thing(rng)
    return [template.format(**values) for template in templates]


@cache
def vocabulary() -> list[str]:
    """Return the words of all frames and paragraphs: so many that none can be guessed."""
    texts = [
        text
        for domain in load_domains()
        for group in (domain.events, domain.statements)
        for entry in group
        for text in entry.texts
    ] + [text for domain in load_domains() for text in domain.prose]
    return sorted({word for text in texts for word in re.findall(r"\b[a-z]{3,11}\b", text)})


def _thing(rng: Random) -> str:
    if rng.random() < ANY_WORDS:
        return " ".join(rng.sample(vocabulary(), rng.randint(1, 4)))
    parts = content()["things"]
    drawn = [rng.choice(parts[key]) for key in ("first", "second", "third", "last")]
    drawn = [
        part for part, share in zip(drawn, (0.7, 0.6, 1, 0.25), strict=True) if rng.random() < share
    ]
    words = " ".join(drawn)
    return fill(rng, words)[0] if "{" in words else words


def _scene(rng: Random, wording: str | None) -> Item:
    scene = rng.choice(content()["scene"])
    question, answer = rng.choice(scene["ask"])
    text, question, answer = fill(rng, scene["text"], question, answer)
    if wording is None:
        return Item("lookup", question, text, answer)
    return Item("lookup", wording, f"{text} Question: {question}", answer)


def _listing(rng: Random, kind: str, wording: str | None) -> Item:
    template = rng.choice(content()["lists"][kind])
    letters = {"people": "pqz", "organisations": "fgh", "words": "wvu"}[kind]
    order = sorted(
        (c for c in letters if f"{{{c}}}" in template), key=lambda c: template.index(f"{{{c}}}")
    )
    text, answer = fill(rng, template, ", ".join(f"{{{c}}}" for c in order))
    return Item("listing", wording or rng.choice(content()["asked"][kind]), text, answer)


def _register(rng: Random, wording: str | None) -> Item:
    makers = (names.word, names.person, names.city, slots.count, slots.money)
    key, value = rng.choice(makers[:3]), rng.choice(makers)
    rows = {key(rng): value(rng) for _ in range(rng.randint(2, 5))}
    form, between = (
        rng.choice(("{}: {}", "{} = {}", "{} has {}", "{} - {}")),
        rng.choice((", ", "; ")),
    )
    asked = rng.choice(list(rows))
    text = between.join(form.format(*row) for row in rows.items())
    return Item(
        "register", wording or rng.choice(LOOK_UP), f"{text}. Question: {asked}?", rows[asked]
    )


def sheet(rng: Random) -> str:
    """Return a worksheet of one sort in one layout; its answers carry marks.

    Where one wording holds for the whole sheet it is mostly left out, as in the other worksheets.
    """
    look: Layout = layout(rng)
    fixed = rng.random() < 0.6
    with_task = not fixed or rng.random() < EXPLAINED
    draw = rng.random()
    if draw < 0.6:
        wording = rng.choice(ANSWER_BY_TEXT) if fixed else None
        items = [_scene(rng, wording) for _ in range(rng.randint(2, 7))]
    elif draw < 0.8:
        kind = rng.choice(("people", "organisations", "words"))
        wording = rng.choice(content()["asked"][kind]) if fixed else None
        items = [_listing(rng, kind, wording) for _ in range(rng.randint(2, 7))]
    else:
        wording = rng.choice(LOOK_UP) if fixed else None
        items = [_register(rng, wording) for _ in range(rng.randint(2, 6))]
    return (
        look.separator.join(look.entry(item, with_task=with_task, mark=True) for item in items)
        + look.separator
    )
