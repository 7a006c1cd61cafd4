"""What the right answer to an item in nano's manner is, as far as it can be computed.

nano has learnt its English from frames: `{A} lifted quarterly profit by {P} percent to {M}`. What
it proposes is mostly one of them with other names in it, so the frame can be found again, and with
it the event, its tone and type, who is who, and what may be asked about it. Where no frame fits the
whole text, or frames disagree, the oracle says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import product

from frames import Found, Frame, frames, pattern, told

from selfspec_core.measures.votes import read, same
from selfspec_core.types import Kind
from selfspec_nano import slots
from selfspec_nano.content import Event, fields, load_domains
from selfspec_nano.tasks import FINANCE_EVENTS

NONE = object()
"""The verdict that no answer is right: the text is no item of the task, or does not tell."""
_ELSEWHERE = object()  # nobody would ask so about this sentence
_ASKING = ("yesno", "entailment", "numeric", "extractive_qa")
_MARK = re.compile(r" (?:Question|Claim|Aspect): ")


def right_answer(task: str, kind: Kind, input: str) -> object:
    """Returns the right answer to an item of finance, `NONE`, or None where it is not known."""
    text, asked = ([*_MARK.split(input), ""])[:2] if _MARK.search(input) else (input, "")
    if len(_MARK.findall(input)) > 1:
        return None
    if task == "glossary":
        return _term(text)
    parts = told(text)
    if parts is None or bool(asked) != (kind in _ASKING):
        return None
    if kind == "ner":
        return _organisations(text, parts)
    if kind == "classification":
        return _label(task, parts)
    return _about(kind, text, asked, parts)


def is_right(task: str, kind: Kind, input: str, output: str, choices: Sequence[str]) -> bool | None:
    """Says whether an answer is right, or None where the oracle does not know."""
    truth = right_answer(task, kind, input)
    if truth is None:
        return None
    said = read(kind, output, choices)
    accepted = truth if isinstance(truth, tuple) else (truth,)
    return any(
        isinstance(one, str) and same(kind, read(kind, one, choices), said) for one in accepted
    )


def _one(values: set[object]) -> object:
    """Returns what all readings agree on, or None."""
    return next(iter(values)) if len(values) == 1 else None


def _label(task: str, parts: Sequence[tuple[Found, ...]]) -> object:
    readings = {_label_of(task, found.frame) for fits in parts for found in fits}
    return _one(readings - {None}) if None not in readings else None


def _label_of(task: str, frame: Frame) -> object:
    """Returns the label of a frame in a task, `NONE` where it has none, None where one may do.

    News of a court or a hospital may be good for a share too; which way is not known.
    """
    event, ours = frame.event, frame.field == "finance"
    if task == "headline_sentiment":
        return frame.label if frame.task == "tone" else event.tone if event and ours else None
    if task == "event_type":
        if frame.field == "law" or event is None:
            return None
        return event.type if ours and event.type in FINANCE_EVENTS else NONE
    if task == "policy_stance":
        return frame.label if frame.task == "policy_stance" else NONE
    return None  # market_topic, aspect_sentiment, company_relation: the corpus knows none of them


def _organisations(text: str, parts: Sequence[tuple[Found, ...]]) -> object:
    readings: set[object] = set()
    for fits in product(*parts):
        names = [f.values[s] for f in fits for s in f.values if s in slots.ORGANISATIONS]
        readings.add(", ".join(sorted(set(names), key=text.index)) or "none")
    return _one(readings)


def _about(kind: Kind, text: str, asked: str, parts: Sequence[tuple[Found, ...]]) -> object:
    """Returns the answer to a question or claim about one of the sentences."""
    readings = {_answer(kind, text, asked, found) for fits in parts for found in fits}
    told_here = readings - {_ELSEWHERE, None, NONE, "unknown"}
    if told_here:
        return _one(told_here)
    if readings - {_ELSEWHERE}:
        return _one(readings - {_ELSEWHERE})
    types = {f.frame.event.type if f.frame.event else None for fits in parts for f in fits}
    others = {event.type for event in _events_asking(kind, asked)}
    if not others or others & types or None in types:
        return None  # asked in words of nobody's, or perhaps of this
    return "unknown" if kind == "entailment" else NONE


def _answer(kind: Kind, text: str, asked: str, found: Found) -> object:
    """Returns the answer that a sentence gives to a question or claim.

    That is `NONE` (of a claim, unknown) if it does not tell what might be asked of its event, or of
    somebody who is not in the text; None if another than the one it tells of is meant.
    """
    nothing = "unknown" if kind == "entailment" else NONE
    answers: set[object] = set()
    for template, answer in _askable(kind, found.frame):
        match = pattern(template).fullmatch(asked)
        if match is None:
            continue
        values = match.groupdict()
        if all(found.values.get(slot) == value for slot, value in values.items()):
            told = fields(answer) <= found.values.keys()
            return answer.format_map(found.values) if told else nothing
        # of somebody else: nothing is told of them, but who stands in the text may be meant
        answers.add(None if all(value in text for value in values.values()) else nothing)
    return _one(answers) if answers else _ELSEWHERE


def _askable(kind: Kind, frame: Frame) -> list[tuple[str, str]]:
    """Returns the templates of questions or claims about a frame, with their answers."""
    event = frame.event
    if kind in ("numeric", "extractive_qa"):
        return list(frame.ask)
    if event is None:
        return []
    if kind == "yesno":
        return [(q, "yes") for q in event.yes] + [(q, "no") for q in event.no]
    return [(c, "supported") for c in event.true] + [(c, "refuted") for c in event.false]


@cache
def _events_asking(kind: Kind, asked: str) -> tuple[Event, ...]:
    """Returns the events of which one would ask in such words."""
    return tuple(
        frame.event
        for event in {f.event: f for f, _, _ in frames() if f.event}.values()
        for frame in [event]
        if any(pattern(template).fullmatch(asked) for template, _ in _askable(kind, frame))
        and frame.event
    )


@cache
def _definitions() -> dict[str, set[str]]:
    terms: dict[str, set[str]] = {}
    for domain in load_domains():
        for entry in domain.terms:
            for text in entry.texts + entry.held_out:
                terms.setdefault(_folded(text), set()).add(entry.term)
    return terms


def _term(text: str) -> object:
    return tuple(sorted(_definitions().get(_folded(text), ()))) or None


def _folded(text: str) -> str:
    return " ".join(text.lower().rstrip(".").split())
