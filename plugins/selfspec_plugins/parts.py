"""The parts of an input: what a word with a colon opens, as in `… Question: …` or `… Aspect: …`.

A passage without the question that all seeds of its task put to it is no item of that task, however
well it reads, and any answer to it is noise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import Instruction, Seed, Verdict
from selfspec_plugins.checks import Finding, first_finding

_OPENS = re.compile(r"(?:^|[.?!;]['\")]?\s+|\n)([A-Z][a-z]+):(?=\s)")
_ENOUGH = 3
"""Seeds of a task from which on they tell what belongs to it."""


def opened(text: str) -> list[str]:
    """Returns the words that open the parts of a text, each once, in order."""
    return list(dict.fromkeys(_OPENS.findall(text)))


def required(seeds: Sequence[Seed]) -> list[str]:
    """Returns the parts that the inputs of all of a task's seeds have, as the first orders them."""
    if len(seeds) < _ENOUGH:
        return []
    return [part for part in opened(seeds[0].input) if all(part in opened(s.input) for s in seeds)]


class Parts(Filter):
    """Rejects inputs without a part that all seeds of their task have, or with another task's."""

    name = "parts"
    summary = "rejects inputs without the question, claim or other part their task needs"
    phase: ClassVar[Literal["instruction", "example"]] = "instruction"

    def judge(self, candidates: Sequence[Instruction], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate."""
        tasks = dict.fromkeys(seed.task for seed in context.seeds)
        seeds = {task: context.seeds_of(task) for task in tasks}
        needed = {task: required(own) for task, own in seeds.items()}
        known = {task: {p for s in own for p in opened(s.input)} for task, own in seeds.items()}
        needed_somewhere = {part for parts in needed.values() for part in parts}
        verdicts = []
        for candidate in candidates:
            foreign = needed_somewhere - known.get(candidate.task, needed_somewhere)
            found = _findings(candidate.input, needed.get(candidate.task, []), foreign)
            verdicts.append(first_finding(found))
        return verdicts


def _findings(input: str, needed: Sequence[str], foreign: set[str]) -> list[Finding]:
    there = opened(input)
    missing = [part for part in needed if part not in there]
    strange = [part for part in there if part in foreign]
    return [
        ("a part is missing", f"{missing[0]}:") if missing else None,
        ("a part of another task", f"{strange[0]}:") if strange else None,
    ]


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [Parts]
