"""Components that do a step of the loop, each with the context it is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Literal

from selfspec_core.components.base import Component
from selfspec_core.components.context import Context
from selfspec_core.components.resources import Domain
from selfspec_core.errors import UsageError
from selfspec_core.types import (
    Adapter,
    Example,
    Instruction,
    Item,
    Pair,
    Prediction,
    Seed,
    System,
    TrainingJob,
    Verdict,
)


class Generator(Component):
    """A strategy that proposes instructions, or answers them, with the model in the context.

    Attributes:
        retrieves: it needs `context.retriever`; a run without one is refused.
        concurrent: it may be asked for several batches from several threads at the same time,
            which pays where the model runs in several processes or on a server.
    """

    retrieves: ClassVar[bool] = False
    concurrent: ClassVar[bool] = False

    def propose(self, batch: int, context: Context) -> list[Instruction]:
        """Returns the candidates of one batch; unparsable ones carry `text` and no instruction.

        Everything random comes from `context.random_seed_of("propose", batch)`.
        """
        raise UsageError(f"propose.generator: '{self.name}' does not propose")

    def answer(
        self, instructions: Sequence[Instruction], batch: int, context: Context
    ) -> list[Example]:
        """Returns one example per instruction, in order; `output` may be empty or malformed."""
        raise UsageError(f"answer.generator: '{self.name}' does not answer")


class Filter(Component):
    """Keeps or rejects candidates. A verdict for every one: nothing is dropped in silence.

    Attributes:
        phase: `instruction` filters see instructions, `example` filters see examples.
        retrieves: it needs `context.retriever`; a run without one is refused.
    """

    retrieves: ClassVar[bool] = False

    phase: ClassVar[Literal["instruction", "example"]]

    def judge(self, candidates: Sequence[Any], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate, in order; may depend on what was judged before."""
        raise NotImplementedError("a filter is abstract without `judge`")

    def probe_rows(self, size: int) -> int:
        """Returns on how many of `size` examples a probe is to be tuned for this filter; 0: none.

        `context.probe` is that adapter's folder from then on, and None before. Nothing that was
        kept before is judged again.
        """
        return 0

    def restore(self, judged: Sequence[Any], context: Context) -> None:
        """Takes in what was judged before an interruption or in earlier rounds, in order."""


class Trainer(Component):
    """Turns rows into an adapter."""

    def check(self, context: Context) -> None:
        """Finds, before a run begins, what would only go wrong when it comes to tune.

        As it is, a trainer tunes in one process.

        Raises:
            UsageError: naming the key.
        """
        if context.settings.training.processes > 1:
            raise UsageError(f"training.processes: trainer '{self.name}' tunes in one process")

    def train(
        self, rows: Sequence[Seed | Example], out: Path, context: Context, *, steps: int | None
    ) -> Adapter:
        """Tunes `context.model` on `rows` and saves the adapter in `out`.

        Args:
            rows: what to train on; already screened by the firewall.
            out: an empty folder.
            steps: optimizer steps to take, cycling over the rows; None for the set epochs.
        """
        raise NotImplementedError("a trainer is abstract without `train`")

    def train_all(self, jobs: Sequence[TrainingJob], context: Context) -> Iterator[Adapter]:
        """Tunes several adapters of one base and yields them in order; as is, one after another."""
        for job in jobs:
            yield self.train(job.rows, job.out, context, steps=job.steps)

    def steps_of(self, rows: int, context: Context) -> int:
        """Returns the optimizer steps that `train` takes on so many rows if it is not told."""
        settings = context.settings.training
        return max(1, round(ceil(rows / settings.batch) * settings.epochs))

    def pair_steps_of(self, pairs: int, context: Context) -> int:
        """Returns the optimizer steps that `prefer` takes on so many pairs, one at least."""
        settings = context.settings.preference
        return ceil(settings.epochs * pairs / min(settings.batch, pairs))

    def prefer(self, pairs: Sequence[Pair], adapter: Path, out: Path, context: Context) -> Adapter:
        """Goes on from `adapter` so that chosen answers gain on rejected ones; saves in `out`.

        Args:
            pairs: what to train on; already screened by the firewall.
            adapter: folder of what `train` made; it is left as it is.
            out: an empty folder.
        """
        raise UsageError(f"preference.trainer: '{self.name}' does not tune on pairs")


class Evaluator(Component):
    """Asks a system the items and parses what it says."""

    def items(self, domain: Domain) -> Sequence[Item]:
        """Returns the items of this evaluator; by default those of the domain's tasks."""
        return [item for task in domain.tasks() for item in task.items]

    def evaluate(self, items: Sequence[Item], system: System, context: Context) -> list[Prediction]:
        """Returns one prediction per item and demonstration set."""
        raise NotImplementedError("an evaluator is abstract without `evaluate`")
