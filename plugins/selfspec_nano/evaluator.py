"""nano-world as an evaluator: items of nano's own world, from frames and names it never saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from selfspec_core import Domain, Item, Kind
from selfspec_plugins.answers import Answers

if TYPE_CHECKING:
    from selfspec_nano.world import WorldItem


class NanoWorld(Answers):
    """Asks held-out items of nano's corpus program, beside the hand-written ones.

    They show what the loop does where the base model is at home. They are no measure of finance.
    """

    name = "nano-world"
    summary = "held-out items of nano's own corpus program; a check of the loop, not of finance"

    def items(self, domain: Domain) -> Sequence[Item]:
        """Returns the items, the same ones in every run."""
        from selfspec_nano.world import items

        return [_as_item(item) for item in items()]


def _as_item(item: WorldItem) -> Item:
    from selfspec_core.metrics import PRIMARY

    kind = cast(Kind, item.kind)
    output: list[Any] = item.output[0].split(", ") if kind == "ner" else item.output
    return Item(
        item.id,
        item.task,
        kind,
        item.instruction,
        item.input,
        tuple(output),
        PRIMARY[kind],
        tuple(item.choices),
        "dev" if item.split == "dev" else "test",
    )
