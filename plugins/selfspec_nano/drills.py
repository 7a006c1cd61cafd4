"""Drills: texts with several things of one sort, and questions that tell them apart.

Worksheets and registers are mostly answered by the only name or figure in sight, so a small model
learns to copy what it sees first. Here nearly every text holds at least two candidates of the same
sort; `drillsheets` makes documents of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from selfspec_nano import names, slots
from selfspec_nano.lookups import vocabulary

DEALS = (  # verb, preposition, questions for who does it, for who has it done
    ("lent {s}", "to", "Who lent?|Who lent it?|Who is the lender?",
     "Who borrowed?|Who borrowed it?|Who is the borrower?"),
    ("rented {s}", "to", "Who is the landlord?|Who let it?|Who is the owner?",
     "Who is the tenant?|Who rents it?|Who moved in?"),
    ("sent {s}", "to", "Who sent it?|Who is the sender?|Name the sender.",
     "Who received it?|Who got it?|Name the receiver."),
    ("bought {s}", "from", "Who is the buyer?|Who bought it?|Name the buyer.",
     "Who is the seller?|Who sold it?|Name the seller."),
    ("sold {s}", "to", "Who was the seller?|Who sold it?|Name the seller.",
     "Who was the buyer?|Who bought it?|Name the buyer."),
    ("stole {s}", "from", "Who is the thief?", "Who was robbed?"),
    ("borrowed {s}", "from", "Who borrowed?", "Who lent?"),
    ("gave {s}", "to", "Who gave?|Who gave it away?|Who is the giver?",
     "Who got it?|Who has it now?|Who was given it?"),
    ("ordered {s}", "from", "Who ordered?", "Who took the order?"),
    ("owes {m}", "to", "Who is in debt?|Who owes?|Name the debtor.",
     "Who is owed money?|Who is owed?|Name the creditor."),
    ("lost {m}", "to", "Who lost?", "Who won?"),
    ("won {m}", "from", "Who won?", "Who lost?"),
    ("inherited {s}", "from", "Who inherited?", "From whom?"),
    ("hid {s}", "from", "Who hid it?", "From whom was it hidden?"),
    ("promised {s}", "to", "Who promised?", "Who was promised something?"),
    ("handed {s}", "to", "Who handed it over?", "Who has it now?"),
    ("took {s}", "from", "Who took it?", "From whom was it taken?"),
    ("shipped {s}", "to", "Who shipped?", "Who waits for it?"),
    ("paid {m}", "to", "Who paid?|Who has paid?|Name the payer.",
     "Who was paid?|Who got the money?|Name the payee."),
    ("demanded {m}", "from", "Who demands?", "Who must pay?"),
    ("defeated", "", "Who won?", "Who lost?"),
    ("sued", "", "Who sued?|Who is suing?|Name the plaintiff.",
     "Who was sued?|Who is being sued?|Name the defendant."),
    ("hired", "", "Who hired?", "Who was hired?"),
    ("called", "", "Who called?", "Who was called?"),
    ("followed", "", "Who followed?", "Who was followed?"),
    ("praised", "", "Who gave praise?", "Who was praised?"),
    ("acquired", "", "Who acquired?|Who took over?|Name the buyer.",
     "Who was acquired?|Which one was bought?|Name the target."),
    ("works for", "", "Who works?", "Who is the employer?"),
    ("replaced", "", "Who is new?", "Who was replaced?"),
    ("inhibits", "", "Which one inhibits?", "What is inhibited?"),
)  # fmt: skip
PASSIVE = {"defeated", "sued", "hired", "called", "followed", "praised", "acquired", "replaced"}
OPENERS = (
    "Last month", "This week", "On {d}", "In {o}", "Two days ago", "Early in {o}", "In {c}",
    "Today", "At noon", "For {m}", "After lunch", "In the end", "According to the paper",
    "Next year", "So far", "Of late", "By {d}", "In the old town", "Three weeks later",
    "Once again",
)  # fmt: skip
DOINGS = (
    "{n} {a} were {v} by {f}", "{f} {v} {n} {a}", "the {a} of {f} were {v}", "a {a} at {f} was {v}",
    "{f} saw its {a} {v}", "nobody {v} the {a} of {f}",
)  # fmt: skip
VERBS = (
    "bought repaired painted counted hidden burnt cleaned shipped copied moved tested ordered "
    "checked delivered returned collected"
).split()  # fmt: skip
WHO = (
    "Name the company.", "Which company is it?", "Who is named?", "Find the name.",
    "Give the name.", "Whose name is it?",
)  # fmt: skip
COUNTING = (
    "{f} has {l}.", "{f} owns {l}.", "There are {l} in {c}.", "{l} were lost.", "We saw {l}.",
    "{f} makes {l} a day.", "{f} took {l} to {c}.", "On {d} they counted {l}.",
    "The list says {l}.", "{f} ordered {l}.", "The bill of {f}: {l}.",
)  # fmt: skip
HOW_MANY = (
    "How many {a}?",
    "Number of {a}?",
    "What is the number of {a}?",
    "{a}?",
    "Count of {a}?",
)
SAID = (
    'A label at {f} reads "{x}".', 'The letter of {f} began with "{x}".', '"{x}" was all {f} said.',
    '{f} wrote "{x}" in {o}.', 'The word on the wall was "{x}", says {f}.', '{f} calls it "{x}".',
    'They sang "{x}" in {c}.', 'On {d} somebody shouted "{x}" at {f}.',
)  # fmt: skip
QUOTED = (
    "What is quoted?",
    "Copy the quoted words.",
    "Give the quotation.",
    "Which words are quoted?",
)
SPANS = (
    "{f} {v} {x} on {d}.", "On {d} {f} {v} {x}.", "In {o}, {x} came from {f}.",
    "{f} asked for {x}.", "Then {x} cost {f} {m}.", "The fire at {f} destroyed {x}.",
    "{f} needs {x} by {d}.",
)  # fmt: skip
WHAT = ("What is it?", "What is meant?", "What was it?", "Which thing?", "Name the thing.")
SPAN_FORMS = (
    "{a} for {p}",
    "{a} of {w}",
    "{a} from {c}",
    "{a} and {b}",
    "{a} with {n} {b}",
    "{w} {a}",
)
KEYS: tuple[Callable[[Random], str], ...] = (names.word, names.person, names.city)
ENTRY = ("{}: {}", "{} = {}", "{} has {}", "{} - {}", "{} ({})", "{} gets {}", "{} is {}")
ENTRY_ASKED = ("{}?", "What about {}?", "Find {}.", "And {}?", "{}", "Which one belongs to {}?")


@dataclass(frozen=True)
class Drill:
    """A text and what can be asked of it: pairs of question and answer."""

    text: str
    asked: list[tuple[str, str]]


def somebody(rng: Random) -> str:
    """Return a person or an organisation."""
    kind = rng.choice(list(names.KINDS))
    return names.person(rng) if rng.random() < 0.4 else names.organisation(rng, kind)


class Maker:
    """Makes the drills of one document, which share their things and their wording.

    Args:
        rng: source of randomness.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.things = rng.sample(vocabulary(), rng.randint(4, 14))
        self.keys, self.values = (
            rng.choice(group) for group in (KEYS, (*KEYS, slots.count, slots.money))
        )
        self.choose = rng.random() < 0.5  # one wording in the whole document, or another each time
        self.kept: dict[tuple[Any, ...], Any] = {}

    def one(self, forms: tuple[str, ...]) -> str:
        """Return one of the wordings."""
        if self.choose:
            return self.rng.choice(forms)
        return str(self.kept.setdefault(forms, self.rng.choice(forms)))

    def fill(self, template: str, **given: str) -> str:
        """Fill a template with things and names drawn anew."""
        rng = self.rng
        first, second = rng.sample(self.things, 2)
        values = {
            "a": first,
            "b": second,
            "c": names.city(rng),
            "d": rng.choice(slots.DAYS),
            "f": somebody(rng),
            "m": slots.money(rng),
            "n": slots.count(rng),
            "o": rng.choice(slots.MONTHS),
            "p": names.person(rng),
            "v": rng.choice(VERBS),
            "w": names.word(rng),
        }
        return template.format(**values | given)

    def register(self) -> Drill:
        """Return keys with their values, in a line."""
        rng = self.rng
        rows = {self.keys(rng): self.values(rng) for _ in range(rng.randint(2, 6))}
        form, between = self.one(ENTRY), self.one((", ", "; ", " / "))
        asked = self.one(ENTRY_ASKED)
        text = between.join(form.format(*row) for row in rows.items())
        return Drill(f"{text}.", [(asked.format(key), value) for key, value in rows.items()])

    def counts(self) -> Drill:
        """Return two to four counted things."""
        rng = self.rng
        things = rng.sample(self.things, rng.randint(2, 4))
        numbers = [slots.count(rng) for _ in things]
        counted = [f"{n} {thing}" for n, thing in zip(numbers, things, strict=True)]
        text = self.fill(self.one(COUNTING), l=", ".join(counted[:-1]) + f" and {counted[-1]}")
        return Drill(
            text,
            [(self.fill(self.one(HOW_MANY), a=t), n) for t, n in zip(things, numbers, strict=True)],
        )

    def deal(self) -> Drill:
        """Return two names and what one does to the other."""
        rng = self.rng
        verb, preposition, *asked = self.kept.setdefault(DEALS, rng.choice(DEALS))
        doer, other = (self.one(tuple(wordings.split("|"))) for wordings in asked)
        first, second = somebody(rng), somebody(rng)
        if verb in PASSIVE and rng.random() < 0.4:
            text = f"{second} was {verb} by {first}"
        else:
            text = f"{first} {self.fill(verb, s=self.fill('{n} {a}'))} {preposition} {second}"
        if rng.random() < 0.4:
            text += self.fill(self.one((" for {m}", " in {o}", " on {d}", " in {c}")))
        if rng.random() < 0.25:
            text = self.fill(self.one(OPENERS)) + f", {text}"
        return Drill(" ".join(text.split()) + ".", [(doer, first), (other, second)])

    def opened(self) -> Drill:
        """Return a sentence with one name, which mostly does not begin with it."""
        name = somebody(self.rng)
        text = self.fill(self.one(DOINGS), f=name)
        if self.rng.random() < 0.75:
            text = self.fill(self.rng.choice(OPENERS)) + self.rng.choice((" ", ", ")) + text
        return Drill(f"{slots.capitalise(text)}.", [(self.one(WHO), name)])

    def quoted(self) -> Drill:
        """Return a sentence with a few quoted words of little sense."""
        words = " ".join(self.rng.sample(self.things, self.rng.randint(1, 4)))
        if self.rng.random() < 0.4:
            words += " " + self.rng.choice(KEYS)(self.rng)
        return Drill(self.fill(self.one(SAID), x=words), [(self.one(QUOTED), words)])

    def span(self) -> Drill:
        """Return a sentence whose answer is a phrase, of one form within a document."""
        phrase = self.fill(self.kept.setdefault(SPAN_FORMS, self.rng.choice(SPAN_FORMS)))
        return Drill(self.fill(self.one(SPANS), x=phrase), [(self.one(WHAT), phrase)])
