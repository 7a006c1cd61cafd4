"""The filter of extractive answers that stand nowhere in what the model was shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.measures.parsing import first_line, parse
from selfspec_core.types import KEEP, Example, Kind, Seed, Verdict

SPAN_KINDS: frozenset[Kind] = frozenset({"ner", "list_qa", "extractive_qa", "numeric"})
_TYPE = re.compile(r"\s*\([A-Z]{2,6}\)$")  # of an entity, after its name: `Oslo (LOC)`


class Grounded(Filter):
    """Rejects an extractive answer with a span that neither input nor passages hold.

    Whether a task's answers are spans is seen from its seeds: where some are worked out (a dose, a
    fine), the task is left alone.
    """

    name = "grounded"
    summary = "rejects extractive answers that stand in neither input nor passages"
    phase: ClassVar[Literal["instruction", "example"]] = "example"

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate."""
        tasks = {candidate.task for candidate in candidates}
        looked_up = {task for task in tasks if all(map(_holds, context.seeds_of(task)))}
        return [
            self._verdict(candidate, context) if candidate.task in looked_up else KEEP
            for candidate in candidates
        ]

    def _verdict(self, candidate: Example, context: Context) -> Verdict:
        if candidate.kind not in SPAN_KINDS or not candidate.input.strip():
            return KEEP
        sources = [candidate.input]
        if candidate.passages and context.retriever is not None:
            sources += [p.text for p in context.retriever.passages(candidate.passages)]
        missing = next(missing_spans(candidate, " ".join(sources)), None)
        return KEEP if missing is None else Verdict(False, "answer not in the input", missing)


def _holds(seed: Seed) -> bool:
    return next(missing_spans(seed, seed.input), None) is None


def missing_spans(row: Seed | Example, source: str) -> Iterator[str]:
    """Yields the spans of a row's output that `source` does not hold, case aside."""
    parsed = parse(row.kind, row.output, row.choices)
    if parsed is None:
        yield row.output
        return
    spans = parsed if isinstance(parsed, tuple) else (first_line(row.output),)
    text = _folded(source)
    for span in spans:
        if not occurs(_folded(_TYPE.sub("", span)), text):
            yield span


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def occurs(span: str, source: str) -> bool:
    """Says whether `source` holds `span` as whole words and numbers (no `340` in `1,340`)."""
    before = r"(?<!\w)(?<!\d[.,])" if span[:1].isalnum() else ""
    after = r"(?!\w|[.,]\d)" if span[-1:].isdigit() else r"(?!\w)" if span[-1:].isalpha() else ""
    return bool(span) and bool(re.search(before + re.escape(span) + after, source))


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [Grounded]
