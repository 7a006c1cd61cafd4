"""Components that make one adapter of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from selfspec_core.components.base import Component
from selfspec_core.components.context import Context
from selfspec_core.types import Adapter, Example


@dataclass(frozen=True, slots=True)
class Expert:
    """A specialist that is to be composed with others on the same base.

    Attributes:
        name: of the run that made it.
        adapter: its folder, which is only read.
        examples: what its run accepted, screened by the firewall against every run's items.
    """

    name: str
    adapter: Path
    examples: Sequence[Example]


class Composer(Component):
    """Makes one adapter of several on one base, which `context.model` can use as any other.

    Attributes:
        use: how other programs load what it makes, in Markdown.
    """

    use: ClassVar[str] = ""

    def check(self, experts: Sequence[Expert], context: Context) -> None:
        """Looks, before anything heavy is loaded, whether these can be composed so.

        Raises:
            UsageError: saying what is in the way.
        """

    def choices(self, experts: Sequence[Expert]) -> Sequence[Mapping[str, Any]]:
        """Returns settings that are worth a try: dev items choose, of those left to their default.

        One made of each is asked the dev items of all fields, and the best is kept.
        """
        return [{}]

    def compose(self, experts: Sequence[Expert], out: Path, context: Context) -> Adapter:
        """Makes the adapter in the empty folder `out`; experts and model are left as they were.

        Everything random comes from `context.random_seed_of("compose")`.
        """
        raise NotImplementedError("a composer is abstract without `compose`")

    def describe(self, folder: Path) -> dict[str, Any]:
        """Returns what scores.json is to say of what `compose` made: JSON values."""
        return {}
