"""The corpus as text: a stream of documents, or a sample on the screen."""

from collections.abc import Iterator
from random import Random

from selfspec_nano.content import load_domains
from selfspec_nano.documents import documents
from selfspec_nano.marks import plain


def stream(
    random_seed: int, copy_share: float = 0.25, drill_share: float = 0.4, marks: bool = False
) -> Iterator[str]:
    """Yield documents without end, the same ones for the same seed and content.

    Args:
        random_seed: of the generator.
        copy_share: share of copy rows among the documents.
        drill_share: share of drills among the copy rows.
        marks: whether answers keep the marks around them.
    """
    for text in documents(Random(random_seed), load_domains(), copy_share, drill_share):
        yield text if marks else plain(text)


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
