"""The order of systems in every table, and tables of many systems cut to the width of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from selfspec_core.stages.names import BASE_NAMES, CONTROLS, TUNED_NAMES

WIDTH = 96


def ordered(systems: Iterable[str]) -> list[str]:
    """Returns the systems as tables list them: the base, other models, controls, what was tuned."""
    names = list(systems)
    groups = (BASE_NAMES, (), CONTROLS, TUNED_NAMES)
    known = {
        name: (at, place) for at, group in enumerate(groups) for place, name in enumerate(group)
    }

    def rank(system: str) -> tuple[int, int, int]:
        name, _, shots = system.partition("@")
        if name not in known:
            return 1, 0, 0
        at, place = known[name]
        return at, int(shots), place

    return sorted(names, key=rank)  # what is alike stays in the order in which it was asked


def blocks(heads: Sequence[str], first: int) -> Iterator[Sequence[str]]:
    """Yields the columns in as many blocks as it takes for each to fit the page.

    Args:
        first: width of the column that stands before them in each block.
    """
    start, width = 0, first
    for at, head in enumerate(heads):
        width += len(head) + 2
        if width > WIDTH and at > start:
            yield heads[start:at]
            start, width = at, first + len(head) + 2
    yield heads[start:]
