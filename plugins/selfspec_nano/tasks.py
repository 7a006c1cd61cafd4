"""Items of the corpus's tasks: (input, answer) made from a domain's content."""

from collections.abc import Callable

from selfspec_nano.content import Domain, Event, fields
from selfspec_nano.crowd import ORGANISATION_FRAMES
from selfspec_nano.instructions import instruction, load_wordings
from selfspec_nano.ledger import QUESTIONS
from selfspec_nano.source import Item, Source, answerable, joined, padded
from selfspec_nano.voice import aside, headline

FIGURE_SLOTS = frozenset("M M2 P P2 N N2 K K2 Cents Cps Cps2 Year Dose".split())
CROWD_SHARE = 0.35
"""Share of lists and lookups that use the general sentences of ``crowd`` and ``ledger``."""
CHOICES = {
    "headline_sentiment": ["positive", "negative", "neutral"],
    "policy_stance": ["hawkish", "dovish", "neutral"],
    "headline_yesno": ["yes", "no"],
    "claim_check": ["supported", "refuted", "unknown"],
}
FINANCE_EVENTS = ["earnings", "merger", "dividend", "lawsuit", "appointment", "layoffs", "debt"]
FINANCE_EVENTS += ["rating"]


def sentiment(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a company text and its tone."""
    label = label or source.rng.choice(CHOICES["headline_sentiment"])
    event = source.rng.choice(source.events(lambda e: e.tone == label))
    return _single(source, event), label


def _single(source: Source, event: Event) -> str:
    """Return an event's sentence, sometimes with an aside or in the manner of a headline."""
    text = aside(source.rng, source.filler()(source.frame(event)))
    return headline(source.rng, text)


def event_type(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a text and the type of its event."""
    label = label or source.rng.choice(event_labels(source.domain))
    event = source.rng.choice(source.events(lambda e: e.type == label))
    return _single(source, event), label


def event_labels(domain: Domain) -> list[str]:
    """Return the event types of a domain, in order of appearance."""
    return list(dict.fromkeys(event.type for event in domain.events))


def statement(source: Source, task: str, label: str | None = None) -> tuple[str, str]:
    """Make a sentence and its label in one of the domain's labelling tasks."""
    entries = [s for s in source.domain.statements if s.task == task and source.texts(s)]
    label = label or source.rng.choice(sorted({entry.label for entry in entries}))
    texts = [text for entry in entries if entry.label == label for text in source.texts(entry)]
    text = source.filler()(source.rng.choice(texts))
    return (aside(source.rng, text, 0.12) if source.domain.name == "finance" else text), label


def yes_no(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a text with a question, and yes or no."""
    rng = source.rng
    label = label or rng.choice(CHOICES["headline_yesno"])
    while True:
        event = rng.choice(source.events(lambda e: e.yes and e.no))
        frame, fill = source.frame(event), source.filler()
        asked = [q for q in (event.yes if label == "yes" else event.no) if answerable(frame, q)]
        if asked:
            return f"{padded(source, fill(frame), 0.15)} Question: {fill(rng.choice(asked))}", label


def claim(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a text with a claim, and whether it is supported, refuted or unknown."""
    rng = source.rng
    label = label or rng.choice(CHOICES["claim_check"])
    while True:
        event = rng.choice(source.events(lambda e: e.true and e.false))
        frame, fill = source.frame(event), source.filler()
        if label == "unknown":
            other = rng.choice([e for e in source.events() if e.type != event.type])
            claims = other.true + other.false
        else:
            claims = event.true if label == "supported" else event.false
        claims = tuple(c for c in claims if answerable(frame, c))
        if claims:
            return f"{padded(source, fill(frame), 0.15)} Claim: {fill(rng.choice(claims))}", label


def _event(source: Source) -> Event:
    return source.rng.choice(source.events())


def organisations(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a text and the organisations it names, in order."""
    rng = source.rng
    wanted = rng.choice((1, 1, 2, 2, 3))
    text = ""
    found: list[str] = []
    while len(found) < wanted:
        crowd = rng.random() < CROWD_SHARE and not source.held_out
        frame = rng.choice(ORGANISATION_FRAMES if crowd else source.texts(_event(source)))
        fill = source.filler()
        sentence = aside(rng, fill(frame))
        text = joined(text, sentence) if text else sentence
        found += fill.organisations(frame, sentence)
    return text, ", ".join(found)


def _question(source: Source, figures: bool) -> tuple[str, str]:
    rng = source.rng
    while True:
        if rng.random() < CROWD_SHARE and not source.held_out:
            frame, asked = rng.choice(QUESTIONS)
        else:
            event = rng.choice(source.events(lambda e: e.ask))
            frame, asked = source.frame(event), event.ask
        fill = source.filler()
        pairs = [
            (question, answer)
            for question, answer in asked
            if answerable(frame, question, answer)
            and fields(answer)
            and bool(fields(answer) & FIGURE_SLOTS) == figures
        ]
        if not pairs:
            continue
        question, answer = rng.choice(pairs)
        text, reply = fill(frame), fill.raw(answer)
        if reply in text:
            return f"{padded(source, text)} Question: {fill(question)}", reply


def figure(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a text with a question whose answer is a figure of the text."""
    return _question(source, figures=True)


def span(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a text with a question whose answer is a name or phrase of the text."""
    return _question(source, figures=False)


def listing(source: Source, task: str) -> tuple[str, str]:
    """Make a text, with a question if there is one, and the entities of one sort it names."""
    rng = source.rng
    entries = [e for e in source.domain.listings if e.task == task and source.texts(e)]
    while True:
        entry = rng.choices(entries, [len(source.texts(e)) for e in entries])[0]
        frame, fill = rng.choice(source.texts(entry)), source.filler()
        text = fill(frame)
        found = [fill[slot] for slot in fields(frame) if slot.rstrip("23456789") in entry.slots]
        if not found:
            continue
        places = sorted((text.lower().index(name.lower()), len(name)) for name in found)
        answer = ", ".join(text[start : start + length] for start, length in places)
        asked = f" Question: {rng.choice(entry.questions)}" if entry.questions else ""
        return text + asked, answer


def term(source: Source, label: str | None = None) -> tuple[str, str]:
    """Make a definition and its term."""
    rng = source.rng
    while True:
        entry = rng.choice(source.domain.terms)
        texts = entry.held_out if source.held_out else entry.texts
        if texts:
            text = rng.choice(texts)
            style = rng.random()
            text = text[0].upper() + text[1:] + "." if style < 0.8 else text
            return text, entry.term


MAKERS: dict[str, Callable[..., tuple[str, str]]] = {
    "headline_sentiment": sentiment,
    "event_type": event_type,
    "headline_yesno": yes_no,
    "claim_check": claim,
    "company_ner": organisations,
    "figure_lookup": figure,
    "deal_roles": span,
    "glossary": term,
}


def tasks_of(domain: Domain) -> list[str]:
    """Return the tasks a domain has content for."""
    found = [name for name in MAKERS if name != "glossary" or domain.terms]
    if not domain.events:
        found = [name for name in found if name == "glossary"]
    return [*found, *domain.statement_tasks(), *domain.listing_tasks()]


def labels_of(domain: Domain, task: str) -> list[str]:
    """Return the labels of a task in a domain; empty for tasks without choices."""
    if task == "event_type":
        return event_labels(domain)
    if task in MAKERS:
        return list(CHOICES.get(task, ()))
    return list(dict.fromkeys(s.label for s in domain.statements if s.task == task))


def make(source: Source, task: str, label: str | None = None) -> tuple[str, str]:
    """Make (input, answer) for any task of the source's domain."""
    if task in MAKERS:
        return MAKERS[task](source, label)
    if task in source.domain.listing_tasks():
        return listing(source, task)
    return statement(source, task, label)


def make_item(source: Source, task: str, choices: list[str] | None = None) -> Item:
    """Make an item with a freshly worded instruction.

    Args:
        source: content and randomness.
        task: one of ``tasks_of(source.domain)``.
        choices: the labels to draw from and to name; all of the task's labels if None.
    """
    rng = source.rng
    labels = list(choices or labels_of(source.domain, task))
    rng.shuffle(labels)
    text, answer = make(source, task, labels[0] if labels else None)
    rng.shuffle(labels)
    wording = task if task in load_wordings().tasks else "label"
    return Item(task, instruction(rng, wording, source.domain.name, labels), text, answer)
