"""The round trip: what a passage gave must lead back to that passage (SimRAG).

A question that any passage could have given is vague, and an answer that leads elsewhere was not
taken from what was shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core.components import Context, Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import KEEP, Example, Verdict


class RoundTripSettings(BaseModel):
    """Settings `filters.round_trip.*`."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    k: int = Field(3, ge=1, description="passages retrieved, among which the right one must be")


class RoundTrip(Filter):
    """Rejects an example that does not lead back to a passage it came from.

    One that was written from a passage (`from_passage`) is looked up by its instruction and input,
    and must bring that passage back. One that was answered with passages beside it (`retrieval.k`)
    is looked up by its input and its answer, and must bring back one of those. An example without
    either is kept: there is no way to go back.
    """

    name = "round_trip"
    summary = "rejects examples that do not lead retrieval back to their passage"
    phase: ClassVar[Literal["instruction", "example"]] = "example"
    Settings = RoundTripSettings
    retrieves = True

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate; evidence is what was found instead."""
        assert context.retriever is not None  # `retrieves`
        queries = {row.id: _query(row) for row in candidates if row.written_from or row.passages}
        retrieved = context.retriever.retrieve(list(queries.values()), self.settings.k)
        found = dict(zip(queries, retrieved, strict=True))
        verdicts = []
        for row in candidates:
            origin = {row.written_from} if row.written_from else set(row.passages)
            brought = [passage.id for passage in found.get(row.id, ())]
            lost = row.id in found and not origin & set(brought)
            evidence = ", ".join(brought) or "nothing found"
            verdicts.append(Verdict(False, "leads to other passages", evidence) if lost else KEEP)
        return verdicts


def _query(row: Example) -> str:
    """Returns what is looked up; passages that were retrieved by the question need the answer."""
    if row.written_from:
        return f"{row.instruction} {row.input}"
    return f"{row.input or row.instruction} {row.output}"


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [RoundTrip]
