"""What an item is, and the content, frames and slot values that items are made from."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from selfspec_nano.content import Domain, Event, Listing, Statement, fields
from selfspec_nano.slots import Filler
from selfspec_nano.voice import aside


@dataclass(frozen=True)
class Item:
    """One task item as it will stand in a document."""

    task: str
    instruction: str
    input: str
    output: str


@dataclass
class Source:
    """Where an item's content comes from.

    Attributes:
        rng: source of randomness.
        domain: the field.
        held_out: whether frames, definitions and names are those kept for nano-world.
    """

    rng: Random
    domain: Domain
    held_out: bool = False

    def filler(self) -> Filler:
        """Return fresh slot values."""
        return Filler(self.rng, self.domain, self.held_out)

    def texts(self, entry: Event | Statement | Listing) -> tuple[str, ...]:
        """Return the frames this source may use."""
        return entry.held_out if self.held_out else entry.texts

    def events(self, keep: Callable[[Event], object] = lambda event: True) -> list[Event]:
        """Return the events that have usable frames and satisfy a condition."""
        return [event for event in self.domain.events if self.texts(event) and keep(event)]

    def frame(self, event: Event) -> str:
        """Return one of an event's frames."""
        return self.rng.choice(self.texts(event))


def answerable(frame: str, *templates: str) -> bool:
    """Return whether every slot of the templates is filled by the frame."""
    return all(fields(template) <= fields(frame) for template in templates)


def padded(source: Source, text: str, share: float = 0.25) -> str:
    """Sometimes add an aside, or a sentence of unrelated news before or after a text."""
    rng = source.rng
    text = aside(rng, text)
    if rng.random() >= share or len(text.split()) > 26:
        return text
    extra = source.filler()(source.frame(rng.choice(source.events())))
    return joined(text, extra) if rng.random() < 0.7 else joined(extra, text)


def joined(first: str, second: str) -> str:
    """Return two sentences as one text; a headline gets its full stop."""
    return f"{first}{'' if first[-1] in '.?!' else '.'} {second}"
