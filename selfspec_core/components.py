"""One base class per kind of component. A plugin author subclasses one and returns it from a hook.

Every component has a `name` by which settings choose it, a `summary` for listings, and a pydantic
`Settings` model which the core fills from the recipe. Heavy libraries are imported inside methods.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from selfspec_core.model_types import Capabilities, Sampling
from selfspec_core.progress import Progress
from selfspec_core.types import (
    Adapter,
    Example,
    Indexed,
    Instruction,
    Item,
    Passage,
    Prediction,
    Seed,
    System,
    Task,
    Verdict,
)

if TYPE_CHECKING:
    from selfspec_core.context import Context


class NoSettings(BaseModel):
    """Settings of a component that has none; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


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


class Domain(Component):
    """A field of expertise: what a domain package provides.

    Attributes:
        title: as a heading shows it.
    """

    title: ClassVar[str]

    def recipe(self, size: str) -> dict[str, Any]:
        """Returns what the domain changes in recipe `size` (`quick` or `full`): nested tables."""
        return {}

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


class Model(Component):
    """A language model behind one interface. The core holds one and hands it to every stage.

    Attributes:
        trainer: name of the trainer that tunes such a model, unless the settings name another.
        caveat: what everybody who reads its scores has to know, if anything.
        decisions: what had to be decided while running, such as a smaller batch after running out
            of memory; journalled, and given back before a resumed run goes on.
    """

    trainer: ClassVar[str] = "lora"
    caveat: ClassVar[str] = ""

    def __init__(self, settings: BaseModel | None = None) -> None:
        super().__init__(settings)
        self.decisions: dict[str, Any] = {}

    def check(self) -> None:
        """Looks, without loading anything heavy, whether there is such a model.

        Raises:
            UsageError: naming the setting, if there is none.
        """

    def load(self) -> None:
        """Makes the model ready; called before it is used, does nothing the second time.

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
        if path is not None:
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

    def passages(self, ids: Sequence[str]) -> list[Passage]:
        """Returns the passages with these ids, in order, as `retrieve` returned them."""
        raise NotImplementedError("a retriever is abstract without `passages`")

    def add(
        self, paths: Sequence[Path], progress: Progress, folder: Path | None = None
    ) -> list[Indexed]:
        """Takes in files, and folders recursively; what is in already is not taken in again.

        Args:
            folder: keep an index there from now on, of these files and what the domain ships.

        Returns:
            What became of each file; one that cannot be read keeps none of the others out.
        """
        raise NotImplementedError("this retriever takes no files")

    def contents(self) -> list[Indexed]:
        """Returns what is in: one row a file."""
        raise NotImplementedError("this retriever takes no files")

    def digest(self, paths: Sequence[Path] = ()) -> str:
        """Identifies what is searched, so that a run is not resumed on other passages.

        Args:
            paths: what `add` is going to be given with a folder of its own; else the index.
        """
        return ""


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


class Evaluator(Component):
    """Asks a system the items and parses what it says."""

    def items(self, domain: Domain) -> Sequence[Item]:
        """Returns the items of this evaluator; by default those of the domain's tasks."""
        return [item for task in domain.tasks() for item in task.items]

    def evaluate(self, items: Sequence[Item], system: System, context: Context) -> list[Prediction]:
        """Returns one prediction per item and demonstration set."""
        raise NotImplementedError("an evaluator is abstract without `evaluate`")
