"""The hand-written content behind the corpus: events, statements, terms, prose and word lists."""

import string
import tomllib
import zlib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

HELD_OUT_SHARE = 10
"""One text of an event in ten is kept out of pretraining, for nano-world."""
LONG = 8
"""So many wordings make a list long enough that one is always kept out."""


@cache
def fields(template: str) -> frozenset[str]:
    """Return the slot names of a template such as ``"{A} earned {M}."``."""
    return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)


def is_held_out(text: str) -> bool:
    """Return whether a frame belongs to nano-world instead of the corpus (by its hash)."""
    return zlib.crc32(text.encode()) % HELD_OUT_SHARE == 0


@dataclass(frozen=True)
class Event:
    """A kind of happening, told in many wordings, with what follows from it."""

    name: str
    type: str
    tone: str
    texts: tuple[str, ...]
    held_out: tuple[str, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]
    ask: tuple[tuple[str, str], ...]
    yes: tuple[str, ...]
    no: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """Single sentences that share one label of one labelling task."""

    task: str
    label: str
    texts: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Listing:
    """Sentences whose entities of one sort are listed: the values of ``slots``, in order."""

    task: str
    slots: tuple[str, ...]
    texts: tuple[str, ...]
    held_out: tuple[str, ...]
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """A word of the field with its definitions."""

    term: str
    texts: tuple[str, ...]
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Domain:
    """All content of one field."""

    name: str
    events: tuple[Event, ...]
    statements: tuple[Statement, ...]
    listings: tuple[Listing, ...]
    terms: tuple[Term, ...]
    prose: tuple[str, ...]
    slots: dict[str, tuple[str, ...]] = field(hash=False)

    def statement_tasks(self) -> tuple[str, ...]:
        """Return the names of the labelling tasks, in order of appearance."""
        return tuple(dict.fromkeys(entry.task for entry in self.statements))

    def listing_tasks(self) -> tuple[str, ...]:
        """Return the names of the listing tasks, in order of appearance."""
        return tuple(dict.fromkeys(entry.task for entry in self.listings))


def split_held_out(texts: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split frames into (corpus, nano-world); long lists give at least one to each."""
    held = tuple(text for text in texts if is_held_out(text))
    if not held and len(texts) >= LONG:
        held = (texts[0],)
    if len(held) == len(texts):
        held = ()
    return tuple(text for text in texts if text not in held), held


def parse_domain(name: str, raw: dict[str, Any]) -> Domain:
    """Build a domain from a parsed content file.

    Raises:
        KeyError: an entry lacks a key.
    """
    events = []
    for entry in raw.get("event", []):
        kept, held = split_held_out(entry["texts"])
        lists = {key: tuple(entry.get(key, ())) for key in ("true", "false", "yes", "no")}
        ask = tuple((question, answer) for question, answer in entry.get("ask", ()))
        events.append(
            Event(entry["name"], entry["type"], entry["tone"], kept, held, ask=ask, **lists)
        )
    statements = [
        Statement(entry["task"], entry["label"], *split_held_out(entry["texts"]))
        for entry in raw.get("statement", [])
    ]
    listings = [
        Listing(
            entry["task"],
            tuple(entry["slots"]),
            *split_held_out(entry["texts"]),
            tuple(entry.get("questions", ())),
        )
        for entry in raw.get("listing", [])
    ]
    terms = [Term(entry["term"], *split_held_out(entry["texts"])) for entry in raw.get("term", [])]
    prose = tuple(text for entry in raw.get("prose", []) for text in entry["texts"])
    slots = {key: tuple(values) for key, values in raw.get("slots", {}).items()}
    return Domain(
        name, tuple(events), tuple(statements), tuple(listings), tuple(terms), prose, slots
    )


@cache
def load_domains() -> tuple[Domain, ...]:
    """Read every ``corpus/*.toml`` of this package, sorted by name."""
    folder = files(__package__) / "corpus"
    paths = sorted(
        (path for path in folder.iterdir() if path.name.endswith(".toml")), key=lambda p: p.name
    )
    return tuple(
        parse_domain(path.name.removesuffix(".toml"), tomllib.loads(path.read_text("utf-8")))
        for path in paths
    )
