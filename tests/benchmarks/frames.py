"""Frames: the sentences with slots that nano has learnt, found again in what it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from selfspec_nano import slots, voice
from selfspec_nano.content import Event, load_domains
from selfspec_nano.crowd import ORGANISATION_FRAMES
from selfspec_nano.ledger import QUESTIONS

_NAME = r"[A-Z&][\w&'’-]*(?: (?:[A-Z&][\w&'’-]*))*"
_MONEY = rf"\$?\d[\d.,]*(?: (?:million|billion))?(?: (?:{'|'.join(slots.CURRENCIES)}))?"
_NUMBER = r"\d[\d,]*(?:\.\d+)?"
_PATTERNS = {
    "M": _MONEY,
    "P": _NUMBER,
    "N": _NUMBER,
    "K": r"\d+",
    "Cents": r"\d+",
    "Cps": r"\d+ cents",
    "Year": r"\d{4}",
    "Q": "|".join(slots.ORDINALS),
    "Month": "|".join(slots.MONTHS),
    "Day": "|".join(slots.DAYS),
    **dict.fromkeys(("A", "B", "D", "X", "Y", "Rater", "City", "Country"), _NAME),
}
_PHRASE = r"[^.?!;:]{1,60}?"
_SENTENCES = re.compile(r"(?<=[.?!])\s+(?=[A-Z\"'])")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Frame:
    """A sentence with slots, and what is known of what it tells.

    Attributes:
        field: the part of the corpus that it is from.
        label: the label of a statement, or None.
        task: the task of a statement, or None.
        ask: what may be asked about it, with the answers.
    """

    template: str
    field: str
    event: Event | None = None
    task: str | None = None
    label: str | None = None
    ask: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Found:
    """A frame that fits a sentence, and the values of its slots."""

    frame: Frame
    values: dict[str, str]


@cache
def frames() -> tuple[tuple[Frame, str, re.Pattern[str]], ...]:
    """Returns every frame with its longest literal, which a text must hold, and its pattern."""
    found = []
    for domain in load_domains():
        for event in domain.events:
            for text in event.texts + event.held_out:
                found.append(Frame(text, domain.name, event, ask=event.ask))
        for entry in domain.statements:
            for text in entry.texts + entry.held_out:
                found.append(Frame(text, domain.name, task=entry.task, label=entry.label))
        found += [Frame(text, domain.name) for text in domain.prose]
    found += [Frame(text, "finance", ask=ask) for text, ask in QUESTIONS]
    found += [Frame(text, "finance") for text in ORGANISATION_FRAMES]
    return tuple((one, _literal(one.template), pattern(one.template)) for one in found)


def _literal(template: str) -> str:
    """Returns the longest part of a template that is in every text made of it, in lower case."""
    return max(re.split(r"\{\w+\}|\ban? ", template.rstrip(".")), key=len).lower()


@cache
def pattern(template: str) -> re.Pattern[str]:
    """Returns what a filled template looks like; every slot is a group, a second use a reference.

    The full stop may be missing (headlines), the first letter may have either case, and `a` may
    have become `an`.
    """
    written, seen = [], set[str]()
    for literal, slot in _pieces(template.rstrip(".")):
        written.append(re.sub(r"\b(a|an)\\ ", r"an?\\ ", re.escape(literal)))
        if slot in seen:
            written.append(f"(?P={slot})")
        elif slot:
            seen.add(slot)
            written.append(f"(?P<{slot}>{_PATTERNS.get(slot.rstrip('23456789'), _PHRASE)})")
    text = "".join(written)
    if text[:1].isalpha():
        text = f"(?i:{text[0]}){text[1:]}"
    return re.compile(rf"{text}\.?")


def _pieces(template: str) -> Iterator[tuple[str, str]]:
    place = 0
    for match in _SLOT.finditer(template):
        yield template[place : match.start()], match[1]
        place = match.end()
    yield template[place:], ""


@cache
def _asides() -> tuple[list[re.Pattern[str]], list[re.Pattern[str]]]:
    opening = [
        re.compile(pattern(o).pattern.removesuffix(r"\.?") + " ") for o in voice.OPENING_LIST
    ]
    closing = [
        re.compile(pattern(c).pattern.removesuffix(r"\.?") + r"\.$") for c in voice.CLOSING_LIST
    ]
    return opening, closing


def plain(sentence: str) -> str:
    """Returns a sentence without an opening or closing that changes nothing."""
    opening, closing = _asides()
    for one in opening:
        if match := one.match(sentence):
            rest = sentence[match.end() :]
            return rest[:1].upper() + rest[1:]
    for one in closing:
        if match := one.search(sentence):
            return sentence[: match.start()] + "."
    return sentence


@cache
def fitting(sentence: str) -> tuple[Found, ...]:
    """Returns every frame that fits a sentence as a whole."""
    found: list[Found] = []
    for text in dict.fromkeys((plain(sentence), sentence)):
        lower = text.lower()
        for frame, literal, form in frames():
            if literal in lower and (match := form.fullmatch(text)):
                found.append(Found(frame, match.groupdict()))
        if found:
            break
    return tuple(found)


def told(text: str) -> list[tuple[Found, ...]] | None:
    """Returns what fits each sentence of a text, or None if one of them fits nothing."""
    whole = fitting(text.strip())
    if whole:
        return [whole]
    parts = [fitting(part) for part in _SENTENCES.split(text.strip())]
    return parts if all(parts) else None
