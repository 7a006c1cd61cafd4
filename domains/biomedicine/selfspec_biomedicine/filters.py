"""The biomedicine domain's check: entities are spans of the input, each once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from selfspec_core import KEEP, Context, Example, Filter, Verdict, parse


class EntitySpans(Filter):
    """Rejects entity lists that are not exact spans of the input, or repeat or overlap.

    A name of a gene is another gene in other letters, so case counts; `grounded` folds it.
    """

    name = "entity_spans"
    summary = "rejects entities that are not exact, separate spans of the input"
    phase: ClassVar[Literal["instruction", "example"]] = "example"

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate; other kinds than `ner` are kept."""
        return [self._verdict(c) if c.kind == "ner" else KEEP for c in candidates]

    def _verdict(self, candidate: Example) -> Verdict:
        entities = parse("ner", candidate.output, ())
        taken: list[tuple[int, int]] = []
        listed = entities if isinstance(entities, tuple) else ()
        for entity in sorted(listed, key=len, reverse=True):  # the short fit in what is left
            places = [
                found.span()
                for found in re.finditer(rf"(?<!\w){re.escape(entity)}(?!\w)", candidate.input)
            ]
            if not places:
                return Verdict(False, "entity is no span of the input", entity)
            free = [(s, e) for s, e in places if all(e <= a or s >= b for a, b in taken)]
            if not free:
                return Verdict(False, "entity named twice or inside another", entity)
            taken.append(free[0])
        return KEEP
