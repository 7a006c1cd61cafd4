"""Documents of drills: nearly every token of an answer is a choice between candidates.

The documents that teach most say the same pairs again and again, first as they stood and then as
questions; others ask everything that can be asked of a text, some of it twice; the fewest are
worksheets, with one question an entry. The entries of a document share their few things: what stood
in another entry is no help.
"""

from collections.abc import Callable
from random import Random

from selfspec_nano import slots
from selfspec_nano.drills import ENTRY, KEYS, Drill, Maker, somebody
from selfspec_nano.layouts import layout
from selfspec_nano.lookups import vocabulary
from selfspec_nano.marks import marked
from selfspec_nano.source import Item

RESTATED, WORKSHEETS = 0.28, 0.2
"""Share of documents that state the same again, and of worksheets among the others."""
AS_THEY_STOOD = 0.35
"""Share of the repetitions that are literal."""
BACKWARDS = 0.4
"""Share of those documents that state a value before its key and ask for it after the key."""

SORTS: tuple[tuple[Callable[[Maker], Drill], float], ...] = (
    (Maker.register, 0.08),
    (Maker.counts, 0.3),
    (Maker.deal, 0.31),
    (Maker.opened, 0.06),
    (Maker.quoted, 0.18),
    (Maker.span, 0.07),
)
ASK = (
    ("Q: ", "\nA: "), ("", "\n> "), ("- ", " "), ("Question: ", "\nAnswer: "), ("? ", "\n= "),
    ("", " -> "), ("Question: ", " Answer: "), ("Ask: ", "\nReply: "),
    ("", "\nAnswer: "), ("Q: ", "\n\nA: "),
)  # fmt: skip
AGAIN = (
    "Q: {}? A: {}\n", "{}?\n> {}\n", "- {}: {}\n", "Question: {}?\nAnswer: {}\n", "? {}\n= {}\n",
    "Question: {}? Answer: {}\n", "Find {}\nAnswer: {}\n", "What about {}? {}\n",
)  # fmt: skip
VALUE_FIRST = (
    "{v} {k}", "{v} {k}", "{v} for {k}", "{v} of {k}", '"{v}" says {k}', "{v} from {k}",
    "{v} ({k})", '"{v}" on {k}', "{v} goes to {k}",
)  # fmt: skip


def restated(rng: Random) -> str:
    """Return keys with values and then the same again, each time in another order.

    As they stood, or as questions: from the first the second is learnt.
    """
    backwards = rng.random() < BACKWARDS
    keys: tuple[Callable[[Random], str], ...] = (*KEYS, somebody, _thing)
    values: tuple[Callable[[Random], str], ...] = (slots.count, slots.money, _code, _phrase)
    key = _thing if backwards and rng.random() < 0.6 else rng.choice(keys)
    value = rng.choice((*values, slots.count) if backwards else (*values, *keys, _day))
    rows = list({key(rng): value(rng) for _ in range(rng.randint(2, 6))}.items())
    form = rng.choice((*ENTRY, "{} -> {}", "{} | {}", '{} says "{}"'))
    stated = rng.choice(VALUE_FIRST) if backwards else form
    between = rng.choice((", ", "; ", "\n", " / ", ". ", " and "))
    text = between.join(stated.format(k, v, k=k, v=v) for k, v in rows)
    text += rng.choice((".\n", "\n", ".\n\n"))
    for _ in range(rng.randint(1, 3)):
        rows = rng.sample(rows, len(rows))
        if rng.random() < AS_THEY_STOOD:
            text += between.join(form.format(k, marked(v)) for k, v in rows) + "\n"
        else:
            asked = rng.choice(AGAIN)
            text += "".join(asked.format(k, marked(v)) for k, v in rows)
    return text + "\n"


def _thing(rng: Random) -> str:
    return rng.choice(vocabulary())


def _phrase(rng: Random) -> str:
    return " ".join(rng.sample(vocabulary(), rng.randint(1, 4)))


def _code(rng: Random) -> str:
    return str(rng.randint(1, 99999))


def _day(rng: Random) -> str:
    return rng.choice(slots.DAYS)


def interview(rng: Random, sort: Callable[[Maker], Drill]) -> str:
    """Return texts of one sort with all that can be asked of each below it, sometimes twice."""
    maker = Maker(rng)
    before, after = rng.choice(ASK)
    text = ""
    for _ in range(rng.randint(1, 5)):
        drill = sort(maker)
        text += f"{drill.text}\n"
        for _ in range(rng.choice((1, 1, 2))):
            pairs = rng.sample(drill.asked, len(drill.asked))
            text += "".join(f"{before}{q}{after}{marked(answer)}\n" for q, answer in pairs)
    return f"{text}\n"


def worksheet(rng: Random, sort: Callable[[Maker], Drill]) -> str:
    """Return texts of one sort, each with one question."""
    maker, look = Maker(rng), layout(rng)
    as_task = rng.random() < 0.3
    wording = rng.choice(("Answer the question.", "Look it up.", "Find it.", "Reply briefly."))
    with_task = as_task or rng.random() < 0.3
    text = ""
    for _ in range(rng.randint(3, 7)):
        drill = sort(maker)
        question, answer = rng.choice(drill.asked)
        item = (
            Item("drill", question, drill.text, answer)
            if as_task
            else Item("drill", wording, f"{drill.text} Question: {question}", answer)
        )
        text += look.entry(item, with_task=with_task, mark=True) + look.separator
    return text


def sheet(rng: Random) -> str:
    """Return a document of drills; its answers carry marks."""
    if rng.random() < RESTATED:
        return restated(rng)
    kind = worksheet if rng.random() < WORKSHEETS else interview
    return kind(rng, rng.choices([sort for sort, _ in SORTS], [weight for _, weight in SORTS])[0])
