"""Asides and headline case: small changes of a sentence that leave its meaning and labels alone."""

from random import Random

from selfspec_nano import names, slots

OPENINGS = """
In a statement on {Day},
According to a filing,
As of {Month},
In {City},
After weeks of talk,
In a note to staff,
By the end of {Month},
Speaking in {City},
To nobody's surprise,
Late on {Day},
In an update to the market,
Following a long meeting,
Before trading opened on {Day},
As expected,
In line with earlier hints,
On a busy {Day},
At a press conference in {City},
With little warning,
For the second time since {Month},
In the words of one observer,
Breaking news:
Update:
Just in:
From our {City} office:
{City}, {Month}:
"""
CLOSINGS = """
, a spokesman said on {Day}
, according to people close to the matter
, the statement said
, said {X}, who follows the sector
, papers filed in {City} show
, it emerged on {Day}
, local media reported
, {X} told reporters
, as many had guessed
, two sources said
, the local paper wrote
, an official notice showed
, people familiar with the plans said
, a memo seen by reporters shows
, in a move announced in {City}
, it was confirmed in {Month}
, said a person with knowledge of the matter
, after a meeting that lasted until {Day}
, the minutes show
, as set out in a letter of {Month}
, {X} wrote in a note
, ending weeks of waiting
, readers of the {City} press learned
"""
FILL = {
    "Day": lambda rng: rng.choice(slots.DAYS),
    "Month": lambda rng: rng.choice(slots.MONTHS),
    "City": names.city,
    "X": names.person,
}
OPENING_LIST, CLOSING_LIST = (block.strip().split("\n") for block in (OPENINGS, CLOSINGS))


def _filled(rng: Random, form: str) -> str:
    return form.format(**{slot: draw(rng) for slot, draw in FILL.items() if f"{{{slot}}}" in form})


def aside(rng: Random, text: str, share: float = 0.22) -> str:
    """Sometimes add an opening or a closing to a sentence that ends in a full stop."""
    if rng.random() >= share or not text.endswith(".") or len(text.split()) > 28:
        return text
    if rng.random() < 0.6:
        return text[:-1] + _filled(rng, rng.choice(CLOSING_LIST)) + "."
    first, rest = text.split(" ", 1)
    if first in names.STARTERS:  # only words known to be no names lose their capital
        text = f"{first.lower()} {rest}"
    return f"{_filled(rng, rng.choice(OPENING_LIST))} {text}"


def headline(rng: Random, text: str, share: float = 0.1) -> str:
    """Sometimes write a text as a headline: capitals, or no full stop."""
    if rng.random() >= share:
        return text
    text = text.rstrip(".")
    if rng.random() < 0.5:
        return text
    return " ".join(w.capitalize() if w.islower() and len(w) > 3 else w for w in text.split(" "))
