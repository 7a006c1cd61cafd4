"""nano-world as an evaluator: items of nano's own world, from frames and names it never saw."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from selfspec_core import Domain, Item, Kind
from selfspec_plugins.answers import Answers

if TYPE_CHECKING:
    from selfspec_nano.world import WorldItem


class NanoWorld(Answers):
    """Asks held-out items of nano's corpus program, beside the hand-written ones.

    They show what the loop does where the base model is at home. They are no measure of a field.
    """

    name = "nano-world"
    summary = "held-out items of nano's own corpus program; a check of the loop, not of a field"

    def items(self, domain: Domain) -> Sequence[Item]:
        """Returns the items of the domain's field, the same ones in every run.

        For a domain that nano's corpus has nothing of there are none, and stderr says so.
        """
        from selfspec_nano.world import FIELDS, items

        made = [_as_item(item) for item in items(name=domain.name)]
        if not made:
            known = ", ".join(sorted(FIELDS))
            sys.stderr.write(f"{self.name}: no items for {domain.name}; it has some of {known}\n")
        return made


def _as_item(item: WorldItem) -> Item:
    from selfspec_core.measures.metrics import PRIMARY

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
