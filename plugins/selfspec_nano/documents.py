"""Documents of the corpus: worksheets, books of mixed tasks, prompt lists and plain prose."""

from collections.abc import Iterator
from random import Random

from selfspec_nano import copyrows, generic, names
from selfspec_nano.content import Domain
from selfspec_nano.instructions import instruction, join_choices
from selfspec_nano.layouts import layout, styled
from selfspec_nano.slots import Filler, capitalise
from selfspec_nano.tasks import (
    CHOICES,
    Item,
    Source,
    answerable,
    labels_of,
    make,
    make_item,
    tasks_of,
)

RENAMED = {
    ("positive", "negative", "neutral"): (
        "up down flat", "good bad mixed", "A B C", "1 2 3", "bullish bearish even", "plus minus zero",
        "green red grey", "happy sad calm", "gain loss none", "better worse same",
    ),
    ("yes", "no"): ("true false", "y n", "right wrong", "1 0", "correct incorrect", "agree disagree"),
    ("supported", "refuted", "unknown"): (
        "true false unclear", "agree disagree open", "right wrong maybe", "entailed contradicted neutral",
        "confirmed denied unsaid", "yes no unsure",
    ),
    ("hawkish", "dovish", "neutral"): ("tight loose even", "up down hold", "hawk dove none"),
}  # fmt: skip
GENERIC_SHARE = 0.16
DOMAIN_WEIGHTS = {"finance": 0.55}


def renaming(rng: Random, labels: list[str]) -> dict[str, str]:
    """Return new names for the labels of one sheet; invented words, letters or synonyms."""
    fixed = RENAMED.get(tuple(labels))
    if fixed and rng.random() < 0.5:
        return dict(zip(labels, rng.choice(fixed).split(), strict=True))
    if rng.random() < 0.3:
        return dict(zip(labels, rng.sample("ABCDEFGHKLMNPQRSTWXYZ", len(labels)), strict=True))
    fresh: list[str] = []
    while len(fresh) < len(labels):
        word = names.word(rng).lower() if rng.random() < 0.6 else rng.choice(generic.NOUNS)
        fresh += [] if word in fresh else [word]
    return dict(zip(labels, fresh, strict=True))


def _some_labels(rng: Random, labels: list[str]) -> list[str]:
    """Return all labels, or for tasks with many a random part of them."""
    if len(labels) <= 3 or rng.random() < 0.4:
        return labels
    return rng.sample(labels, rng.randint(3, min(8, len(labels))))


def _generic_item(rng: Random, domain: Domain, task: str) -> Item:
    text, answer = generic.MAKERS[task](rng, domain)
    return Item(task, rng.choice(generic.INSTRUCTIONS[task]), text, answer)


def sheet_items(rng: Random, domain: Domain, size: int) -> list[Item]:
    """Return items of one task; sometimes with renamed labels, so that examples must be read."""
    if rng.random() < GENERIC_SHARE:
        task = rng.choice(list(generic.MAKERS))
        return [_generic_item(rng, domain, task) for _ in range(size)]
    task = rng.choice(tasks_of(domain))
    labels = _some_labels(rng, labels_of(domain, task))
    source = Source(rng, domain)
    if not labels or rng.random() < 0.7:
        fixed = make_item(source, task, labels).instruction if rng.random() < 0.5 else None
        items = [make_item(source, task, labels) for _ in range(size)]
        return [Item(i.task, fixed or i.instruction, i.input, i.output) for i in items]
    if len(labels) > 6:
        labels = rng.sample(labels, rng.randint(2, 6))
    new = renaming(rng, labels)
    kind = task if task in CHOICES else "label"
    items = []
    for _ in range(size):
        text, answer = make(source, task, rng.choice(labels))
        wording = f"{rng.choice(('Label with', 'Choose', 'Answer', 'Use'))} {join_choices(rng, list(new.values()))}."
        if rng.random() < 0.3 and kind == "label":
            wording = instruction(rng, "label", domain.name, list(new.values()))
        items.append(Item(task, wording, text, new[answer]))
    return items


def sheet(rng: Random, domain: Domain) -> str:
    """Return a worksheet: one task repeated in one layout."""
    look, style = layout(rng), styled(rng)
    size = rng.randint(2, 8)
    items = sheet_items(rng, domain, size)
    with_task, answer_first = rng.random() < 0.6, rng.random() < 0.14
    head = f"{items[0].instruction}{look.separator}" if not with_task and rng.random() < 0.5 else ""
    entries = [
        look.entry(
            Item(i.task, i.instruction, i.input, style.format(i.output)), answer_first, with_task
        )
        for i in items
    ]
    return head + look.separator.join(entries) + look.separator


def mixed_items(rng: Random, domain: Domain, size: int) -> list[Item]:
    """Return items of several tasks."""
    source = Source(rng, domain)
    pool = tasks_of(domain)
    items = []
    for _ in range(size):
        if rng.random() < 0.12:
            items.append(_generic_item(rng, domain, rng.choice(list(generic.MAKERS))))
            continue
        task = rng.choice(pool)
        items.append(make_item(source, task, _some_labels(rng, labels_of(domain, task))))
    return items


def book(rng: Random, domain: Domain) -> str:
    """Return a book of mixed tasks: instruction, text and answer."""
    look = layout(rng)
    answer_first = rng.random() < 0.14
    items = mixed_items(rng, domain, rng.randint(2, 7))
    return look.separator.join(look.entry(i, answer_first) for i in items) + look.separator


def prompts(rng: Random, domain: Domain) -> str:
    """Return a list of instructions with texts but no answers."""
    look = layout(rng)
    items = mixed_items(rng, domain, rng.randint(3, 8))
    return look.separator.join(look.prompt(i) for i in items) + look.separator


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
    forms = (
        "{t}: {d}", "{t} - {d}", "* {t} means {d}", "Q: What is {t}? A: {d}.", "{d}: {t}", "{d} = {t}",
        "The word for {d} is {t}.", "{T}. {D}.", "{D} is called {t}.", "What is {d}? {T}.",
    )  # fmt: skip
    form = rng.choice(forms)
    picked = rng.sample(domain.terms, min(len(domain.terms), rng.randint(3, 9)))
    lines = []
    for entry in picked:
        text = rng.choice(entry.texts)
        lines.append(
            form.format(t=entry.term, d=text, T=capitalise(entry.term), D=capitalise(text))
        )
    return "\n".join(lines) + "\n"


def questions(rng: Random, domain: Domain) -> str:
    """Return a text with several questions and answers, as a Q&A sheet or a forum thread."""
    people = names.word(rng), names.word(rng)
    ask, reply = rng.choice(
        (("Q: ", "A: "), ("- ", "> "), (f"{people[0]}: ", f"{people[1]}: "), ("Question: ", "Answer: "))
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
        text += "".join(f"{ask}{fill(q)}\n{reply}{a}\n" for q, a in pairs[:4]) + "\n"
    return text


def tags(rng: Random, domain: Domain) -> str:
    """Return sentences with their labels on the same line."""
    source = Source(rng, domain)
    pool = [t for t in tasks_of(domain) if labels_of(domain, t) and "Question" not in t]
    task = rng.choice([t for t in pool if t not in ("headline_yesno", "claim_check")])
    form = rng.choice(("{x} [{y}]", "{x} ({y})", "[{y}] {x}", "{x} | {y}", "{y}: {x}", "{x} -> {y}"))
    made = [make(source, task) for _ in range(rng.randint(3, 8))]
    return "\n".join(form.format(x=x, y=y) for x, y in made) + "\n"


def minutes(rng: Random, domain: Domain) -> str:
    """Return the minutes of a meeting: numbered points and what was noted."""
    lines = [f"{rng.choice(('Present', 'Attending', 'Members'))}: {names.person(rng)}, {names.person(rng)}"]
    for number in range(1, rng.randint(3, 5)):
        event = rng.choice(domain.events)
        fill = Filler(rng, domain)
        frame = rng.choice(event.texts)
        noted = [s for s in event.true if answerable(frame, s)]
        end = f" Noted: {fill(rng.choice(noted))}" if noted else ""
        lines.append(f"{number}. {fill(frame)}{end}")
    return "\n".join(lines) + "\n"


KINDS = (
    (sheet, 0.40),
    (book, 0.24),
    (prompts, 0.08),
    (news, 0.07),
    (prose, 0.06),
    (glossary, 0.04),
    (questions, 0.05),
    (tags, 0.04),
    (minutes, 0.02),
)


def document(rng: Random, domains: tuple[Domain, ...]) -> str:
    """Return one document of any kind and field."""
    usable = [d for d in domains if d.events]
    weights = [DOMAIN_WEIGHTS.get(d.name, 0.15) for d in usable]
    domain = rng.choices(usable, weights)[0]
    kind = rng.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0]
    return kind(rng, domain)


def documents(rng: Random, domains: tuple[Domain, ...], copy_share: float) -> Iterator[str]:
    """Yield documents without end.

    Args:
        rng: source of randomness.
        domains: the content.
        copy_share: share of copy rows among the documents.
    """
    while True:
        yield copyrows.row(rng) if rng.random() < copy_share else document(rng, domains)
