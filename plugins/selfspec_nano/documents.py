"""Documents of the corpus: worksheets, and prose of many kinds."""

from collections.abc import Iterator
from random import Random

from selfspec_nano import copyrows, names
from selfspec_nano.content import Domain
from selfspec_nano.marks import marked
from selfspec_nano.slots import Filler, capitalise
from selfspec_nano.source import Source, answerable
from selfspec_nano.tasks import labels_of, make, tasks_of
from selfspec_nano.worksheets import prompts, sheet

GLOSSARY_FORMS = (
    "{t}: {d}",
    "{t} - {d}",
    "* {t} means {d}",
    "Q: What is {t}? A: {d}.",
    "{d}: {t}",
    "{d} = {t}",
    "{D}: {t}",
    "{d} -> {t}",
    "Definition: {d}\nTerm: {t}",
    "{D}. Term: {t}",
    "Meaning: {D}. Word: {t}",
    "The word for {d} is {t}.",
    "{T}. {D}.",
    "{D} is called {t}.",
    "What is {d}? {T}.",
)
DOMAIN_WEIGHTS = {"everyday": 0.4}
"""How often documents of a field come, against 1 for the others."""


def news(rng: Random, domain: Domain) -> str:
    """Return short news: a headline or dateline, the story, and what follows from it."""
    text = ""
    for _ in range(rng.randint(1, 4)):
        event = rng.choice(domain.events)
        fill = Filler(rng, domain)
        first, second = rng.choice(event.texts), rng.choice(event.texts)
        follows = [s for s in event.true if answerable(first, s)]
        body = fill(first)
        if rng.random() < 0.4:
            body = f"{names.city(rng).upper()} - {body}"
        if rng.random() < 0.5:
            body += " " + fill(second)
        if follows and rng.random() < 0.6:
            body += " " + fill(rng.choice(follows))
        text += body + rng.choice(("\n", "\n\n"))
    return text


def prose(rng: Random, domain: Domain) -> str:
    """Return one or two paragraphs of hand-written prose."""
    if not domain.prose:
        return news(rng, domain)
    fill = Filler(rng, domain)
    picked = rng.sample(domain.prose, min(len(domain.prose), rng.randint(1, 2)))
    return "\n\n".join(fill(text) for text in picked) + "\n"


def glossary(rng: Random, domain: Domain) -> str:
    """Return a list of terms and definitions, in either direction."""
    if not domain.terms:
        return prose(rng, domain)
    form = rng.choice(GLOSSARY_FORMS)
    picked = rng.sample(domain.terms, min(len(domain.terms), rng.randint(3, 9)))
    lines = []
    for entry in picked:
        text = rng.choice(entry.texts)
        term = marked(entry.term) if form.endswith("{t}") else entry.term
        lines.append(form.format(t=term, d=text, T=capitalise(entry.term), D=capitalise(text)))
    return "\n".join(lines) + "\n"


def questions(rng: Random, domain: Domain) -> str:
    """Return a text with several questions and answers, as a Q&A sheet or a forum thread."""
    people = names.word(rng), names.word(rng)
    ask, reply = rng.choice(
        (
            ("Q: ", "A: "),
            ("- ", "> "),
            (f"{people[0]}: ", f"{people[1]}: "),
            ("Question: ", "Answer: "),
        )
    )
    text = ""
    for _ in range(rng.randint(1, 3)):
        event = rng.choice(domain.events)
        fill = Filler(rng, domain)
        frame = rng.choice(event.texts)
        pairs = [(q, fill.raw(a)) for q, a in event.ask if answerable(frame, q, a)]
        pairs += [(q, "yes") for q in event.yes if answerable(frame, q)][:2]
        pairs += [(q, "no") for q in event.no if answerable(frame, q)][:2]
        rng.shuffle(pairs)
        text += fill(frame) + "\n"
        text += "".join(f"{ask}{fill(q)}\n{reply}{marked(a)}\n" for q, a in pairs[:4]) + "\n"
    return text


def tags(rng: Random, domain: Domain) -> str:
    """Return sentences with their labels on the same line."""
    source = Source(rng, domain)
    pool = [t for t in tasks_of(domain) if labels_of(domain, t) and "Question" not in t]
    task = rng.choice([t for t in pool if t not in ("headline_yesno", "claim_check")])
    form = rng.choice(
        ("{x} [{y}]", "{x} ({y})", "[{y}] {x}", "{x} | {y}", "{y}: {x}", "{x} -> {y}")
    )
    made = [make(source, task) for _ in range(rng.randint(3, 8))]
    return (
        "\n".join(form.format(x=x, y=y if form.index("{y}") < 2 else marked(y)) for x, y in made)
        + "\n"
    )


def minutes(rng: Random, domain: Domain) -> str:
    """Return the minutes of a meeting: numbered points and what was noted."""
    lines = [
        f"{rng.choice(('Present', 'Attending'))}: {names.person(rng)}, {names.person(rng)}",
    ]
    for number in range(1, rng.randint(3, 5)):
        event = rng.choice(domain.events)
        fill = Filler(rng, domain)
        frame = rng.choice(event.texts)
        noted = [s for s in event.true if answerable(frame, s)]
        end = f" Noted: {fill(rng.choice(noted))}" if noted else ""
        lines.append(f"{number}. {fill(frame)}{end}")
    return "\n".join(lines) + "\n"


KINDS = (
    (sheet, 0.54),
    (prompts, 0.13),
    (news, 0.08),
    (prose, 0.06),
    (glossary, 0.07),
    (questions, 0.05),
    (tags, 0.05),
    (minutes, 0.02),
)


def document(rng: Random, domains: tuple[Domain, ...]) -> str:
    """Return one document of any kind and field."""
    usable = [d for d in domains if d.events]
    weights = [DOMAIN_WEIGHTS.get(d.name, 1.0) for d in usable]
    domain = rng.choices(usable, weights)[0]
    kind = rng.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
    return kind(rng, domain)


def documents(
    rng: Random, domains: tuple[Domain, ...], copy_share: float, drill_share: float
) -> Iterator[str]:
    """Yield documents without end.

    Args:
        rng: source of randomness.
        domains: the content.
        copy_share: share of copy rows among the documents.
        drill_share: share of drills among the copy rows.
    """
    while True:
        copying = rng.random() < copy_share
        yield copyrows.row(rng, drill_share) if copying else document(rng, domains)
