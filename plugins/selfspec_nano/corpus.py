"""The corpus as text: a stream of documents, or a sample on the screen."""

from collections.abc import Iterator
from random import Random

from selfspec_nano.content import load_domains
from selfspec_nano.documents import documents


def stream(random_seed: int, copy_share: float = 0.25) -> Iterator[str]:
    """Yield documents without end, the same ones for the same seed and content.

    Args:
        random_seed: of the generator.
        copy_share: share of copy rows among the documents.
    """
    yield from documents(Random(random_seed), load_domains(), copy_share)


def sample(random_seed: int, characters: int, copy_share: float = 0.25) -> list[str]:
    """Return documents of at least so many characters in all."""
    found: list[str] = []
    total = 0
    for text in stream(random_seed, copy_share):
        found.append(text)
        total += len(text)
        if total >= characters:
            return found
    return found
