"""One base class per kind of component. A plugin author subclasses one and returns it from a hook.

Every component has a `name` by which settings choose it, a `summary` for listings, and a pydantic
`Settings` model which the core fills from the recipe. Heavy libraries are imported inside methods.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from selfspec_core.layouts import LAYOUTS, Layout
from selfspec_core.types import (
    Adapter,
    Example,
    Instruction,
    Item,
    Kind,
    Passage,
    Record,
    Seed,
    Verdict,
)

if TYPE_CHECKING:
    from selfspec_core.config import Settings


class NoSettings(BaseModel):
    """Settings of a component that has none; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class Component:
    """What all components share.

    Attributes:
        name: lower case, unique among components of its kind; settings refer to it.
        summary: one line for listings.
        Settings: pydantic model of the component's settings.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    Settings: ClassVar[type[BaseModel]] = NoSettings

    def __init__(self, settings: BaseModel | None = None) -> None:
        self.settings: Any = settings if settings is not None else self.Settings()


@dataclass(frozen=True, slots=True)
class Task:
    """A named piece of work of a domain.

    Attributes:
        metric: primary metric, a name of `selfspec_core.metrics.METRICS`.
        items: the evaluation items.
    """

    name: str
    kind: Kind
    metric: str
    title: str
    summary: str
    choices: tuple[str, ...] = ()
    items: tuple[Item, ...] = ()


class Domain(Component):
    """A field of expertise: what a domain package provides.

    Attributes:
        title: as a heading shows it.
    """

    title: ClassVar[str]

    def recipe(self, size: str) -> dict[str, Any]:
        """Returns the settings of recipe `size` (`quick` or `full`) as nested tables."""
        raise KeyError(size)  # a domain without recipes runs on the defaults

    def tasks(self) -> Sequence[Task]:
        """Returns the tasks with their items."""
        return ()


class SeedSource(Component):
    """Yields the seeds of a domain."""

    def seeds(self) -> Iterable[Seed]:
        """Yields seeds in a fixed order.

        Raises:
            UsageError: naming file and line, if a seed is broken.
        """
        raise NotImplementedError("a seed source is abstract without `seeds`")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to continue a prompt.

    Attributes:
        temperature: 0 is greedy.
        stop: the text ends before the first of these strings.
        random_seed: the whole call's randomness; a row's text does not depend on the batch size.
    """

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    random_seed: int = 0


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a model backend can do.

    Attributes:
        trains: its weights can be tuned here. Without it a run stops after filtering.
        likelihood: it can score a given continuation.
        layout: name of the layout that suits the untuned model best.
        context: most tokens a prompt and its continuation may have together, or None.
    """

    trains: bool = False
    likelihood: bool = False
    layout: str = "task"
    context: int | None = None


class Model(Component):
    """A language model behind one interface. The core holds one and hands it to every stage.

    Attributes:
        trainer: name of the trainer that tunes such a model, unless the settings name another.
    """

    trainer: ClassVar[str] = "lora"

    def load(self) -> None:
        """Makes the model ready; called once, before anything else.

        Raises:
            UsageError: naming the setting, if there is no such model.
        """

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do (known after `load`)."""
        return Capabilities()

    def describe(self) -> dict[str, Any]:
        """Returns what identifies the model, for the manifest: name, revision, sizes, dtype."""
        return {"name": self.name}

    def generate(
        self, prompts: Sequence[str], sampling: Sampling, progress: Progress | None = None
    ) -> list[str]:
        """Continues each prompt; returns the new text of each, in order, stop string excluded."""
        raise NotImplementedError("a model is abstract without `generate`")

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None
    ) -> list[float]:
        """Returns the summed log-probability (nats) of each continuation given its prompt."""
        raise NotImplementedError("this model has no likelihoods")

    def use_adapter(self, path: Path | None) -> None:
        """Switches to the adapter in folder `path`, or back to the base with None."""
        raise NotImplementedError("this model has no adapters")


class Generator(Component):
    """A strategy that proposes instructions, or answers them, with the model in the context."""

    def propose(self, batch: int, context: Context) -> list[Instruction]:
        """Returns the candidates of one batch; unparsable ones carry `text` and no instruction.

        Everything random comes from `context.random_seed_of("propose", batch)`.
        """
        raise NotImplementedError("this generator does not propose")

    def answer(
        self, instructions: Sequence[Instruction], batch: int, context: Context
    ) -> list[Example]:
        """Returns one example per instruction, in order; `output` may be empty or malformed."""
        raise NotImplementedError("this generator does not answer")


class Retriever(Component):
    """Finds passages of domain knowledge."""

    def retrieve(self, queries: Sequence[str], k: int) -> list[list[Passage]]:
        """Returns up to k passages for each query, best first."""
        raise NotImplementedError("a retriever is abstract without `retrieve`")


class Filter(Component):
    """Keeps or rejects candidates. A verdict for every one: nothing is dropped in silence.

    Attributes:
        phase: `instruction` filters see instructions, `example` filters see examples.
    """

    phase: ClassVar[Literal["instruction", "example"]]

    def judge(self, candidates: Sequence[Any], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate, in order; may depend on what was judged before."""
        raise NotImplementedError("a filter is abstract without `judge`")

    def restore(self, judged: Sequence[Any], context: Context) -> None:
        """Takes in what was judged before an interruption or in earlier rounds, in order."""


class Trainer(Component):
    """Turns rows into an adapter."""

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


@dataclass(frozen=True, slots=True)
class System:
    """Something to be evaluated, `name@shots` in tables.

    Attributes:
        adapter: folder of the adapter, or None for the base.
        layout: how prompts are written.
        shots: demonstrations in a prompt, drawn from the seeds of the item's task.
        demo_sets: how many draws of demonstrations to ask with.
    """

    name: str
    layout: Layout
    adapter: Path | None = None
    shots: int = 0
    demo_sets: int = 1


@dataclass(frozen=True, slots=True)
class Prediction(Record):
    """What a system said to an item.

    Attributes:
        text: the raw answer.
        parsed: what the lenient parser read out of it, or None: not parsable.
        demo_set: which set of demonstrations was shown.
        likeliest: for closed kinds, the choice of the highest likelihood.
    """

    system: str
    item: str
    text: str
    parsed: Any = None
    demo_set: int = 0
    likeliest: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the row; an empty list that was parsed is not the same as nothing parsed."""
        row = Record.to_dict(self)
        return row if self.parsed is None else {**row, "parsed": self.parsed}


class Evaluator(Component):
    """Asks a system the items and parses what it says."""

    def items(self, context: Context) -> Sequence[Item]:
        """Returns the items of this evaluator; by default those of the domain's tasks."""
        return [item for task in context.domain.tasks() for item in task.items]

    def evaluate(self, items: Sequence[Item], system: System, context: Context) -> list[Prediction]:
        """Returns one prediction per item and demonstration set."""
        raise NotImplementedError("an evaluator is abstract without `evaluate`")


class Progress(Protocol):
    """Shows how far a stage is. The command line gives one; the silent one is the default."""

    def stage(self, name: str, total: int, unit: str) -> AbstractContextManager[None]:
        """Starts a stage of `total` units; nested stages are shown beneath."""

    def advance(self, done: int = 1) -> None:
        """Says that `done` more units of the innermost stage are finished."""

    def say(self, line: str) -> None:
        """Prints one line above the progress display."""


class Silent:
    """A progress that shows nothing."""

    def stage(self, name: str, total: int, unit: str) -> AbstractContextManager[None]:
        """Starts nothing."""
        from contextlib import nullcontext

        return nullcontext()

    def advance(self, done: int = 1) -> None:
        """Shows nothing."""

    def say(self, line: str) -> None:
        """Prints nothing."""


@dataclass(slots=True)
class Context:
    """What a component is given: the resident model, the domain, the settings and the seeds.

    Evaluation items are not in it: no generator, filter or trainer sees them.

    Attributes:
        pool: instructions accepted in earlier waves, for use as demonstrations.
        wanted: tasks that still have room for proposals; empty means all.
        decisions: what had to be decided while running (a smaller batch after out-of-memory);
            journalled, and replayed on resume.
        timings: wall seconds by step, for the manifest.
    """

    domain: Domain
    model: Model
    settings: Settings
    seeds: Sequence[Seed]
    round: int = 1
    pool: Sequence[Instruction] = ()
    wanted: Sequence[str] = ()
    retriever: Retriever | None = None
    progress: Progress = field(default_factory=Silent)
    decisions: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the wall time of a block to the step's."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = self.timings.get(step, 0.0) + time.perf_counter() - start

    def random_seed_of(self, stage: str, batch: int = 0) -> int:
        """Returns the random seed of a batch, from (random_seed, round, stage, batch) alone."""
        text = f"{self.settings.random_seed}/{self.round}/{stage}/{batch}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")

    @property
    def layout(self) -> Layout:
        """The layout in which the untuned model is prompted."""
        return LAYOUTS[self.settings.model.layout or self.model.capabilities.layout]

    def seeds_of(self, task: str) -> list[Seed]:
        """Returns the seeds of one task, in order."""
        return [seed for seed in self.seeds if seed.task == task]
