"""The filters of one phase, in the recipe's order; the first that rejects has the say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import merge
from itertools import groupby
from typing import Any

from selfspec_core.components import Context, Filter
from selfspec_core.types import KEEP, Example, Instruction, Verdict

Judged = tuple[Any, Verdict, str]
"""A candidate, the verdict, and the name of the filter that gave it ("" when all kept it)."""


_PART = 4096
"""Candidates that are restored at a time."""


class Chain:
    """Runs candidates through filters; each filter sees only what those before it kept."""

    def __init__(self, filters: Sequence[Filter], phase: str) -> None:
        self.filters = [f for f in filters if f.phase == phase]

    def judge(self, candidates: Sequence[Any], context: Context) -> list[Judged]:
        """Returns one (candidate, verdict, filter) per candidate, in order."""
        judged: list[Judged] = [(candidate, KEEP, "") for candidate in candidates]
        for one in self.filters:
            standing = [row for row, (_, verdict, _) in enumerate(judged) if verdict.keep]
            verdicts = one.judge([judged[row][0] for row in standing], context)
            for row, verdict in zip(standing, verdicts, strict=True):
                if not verdict.keep:
                    judged[row] = (judged[row][0], verdict, one.name)
        return judged

    def restore(
        self,
        make: Callable[[dict[str, Any]], Instruction | Example],
        kept: Iterable[Instruction | Example],
        rejected: Iterable[dict[str, Any]],
        context: Context,
    ) -> None:
        """Lets each filter take in what reached it before, a part at a time.

        Args:
            make: builds a candidate from its row.
            kept: candidates, in the order in which they were judged.
            rejected: rows of what was rejected, with rising batches.
        """
        remember = [type(one).restore is not Filter.restore for one in self.filters]
        if not any(remember):
            return
        unseen = {one.name for one in self.filters[: remember.index(True)]}  # by what remembers
        standing = ((candidate, "") for candidate in kept)
        fallen = ((make(row), row["filter"]) for row in rejected if row["filter"] not in unseen)
        judged = merge(standing, fallen, key=lambda pair: pair[0].batch)  # few are held at a time
        part: list[tuple[Any, str]] = []
        for _, batch in groupby(judged, key=lambda pair: pair[0].batch):
            own = list(batch)
            if own[-1][1]:  # what stood comes first, and alone is in order
                own.sort(key=lambda pair: arrival(pair[0]))
            part += own
            if len(part) >= _PART:
                self._restore(part, context)
                part = []
        self._restore(part, context)

    def _restore(self, reached: list[tuple[Any, str]], context: Context) -> None:
        """Takes in (candidate, name of the filter that rejected it or "") in order of arrival."""
        for one in self.filters:
            one.restore([candidate for candidate, _ in reached], context)
            reached = [(candidate, by) for candidate, by in reached if by != one.name]


def arrival(candidate: Instruction | Example) -> tuple[int, ...]:
    """Returns the sort key of the order in which candidates were judged."""
    return candidate.batch, *map(int, candidate.id.lstrip("r").split("-"))


def quota(
    judged: Sequence[Judged], have: Counter[str], room: Mapping[str, int], total: int
) -> list[Judged]:
    """Rejects what would take a task beyond its share, or all tasks beyond what is wanted.

    Args:
        have: how many of each task there are already.
        room: how many of each task there may be; a task that is not in it has no limit.
        total: how many there may be in all.
    """
    counts, result = Counter(have), []
    for candidate, verdict, by in judged:
        most = room.get(candidate.task, total)
        if verdict.keep and most < total and counts[candidate.task] >= most:
            verdict, by = Verdict(False, "task has its share", candidate.task), "task_share"
        elif verdict.keep and counts.total() >= total:
            verdict, by = Verdict(False, "there are enough"), "size"
        counts[candidate.task] += verdict.keep
        result.append((candidate, verdict, by))
    return result


def rejection(judged: Judged) -> dict[str, Any]:
    """Returns the journal row of a rejected candidate."""
    candidate, verdict, by = judged
    row = {**candidate.to_dict(), "filter": by, "reason": verdict.reason}
    return {**row, "evidence": verdict.evidence} if verdict.evidence else row


def decided(context: Context) -> dict[str, dict[str, Any]]:
    """Returns what has been decided while running, as notes of a commit."""
    return {"decisions": dict(context.decisions)} if context.decisions else {}
