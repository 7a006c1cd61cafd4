"""Components that a run draws on: a domain, its seeds, a model, a retriever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from selfspec_core.components.base import Component
from selfspec_core.errors import UsageError
from selfspec_core.model_types import Capabilities, Sampling
from selfspec_core.progress import Progress
from selfspec_core.types import Indexed, Passage, Seed, Task

if TYPE_CHECKING:
    from pydantic import BaseModel

    from selfspec_core.config import ExecutorSettings


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
    """Yields the seeds of a domain, or reads seeds that a user has in files of some other form."""

    def seeds(self) -> Iterable[Seed]:
        """Yields seeds in a fixed order.

        Raises:
            UsageError: naming file and line, if a seed is broken.
        """
        raise NotImplementedError("a seed source is abstract without `seeds`")

    def takes(self, path: Path) -> bool:
        """Says whether `read` is for this file or folder of the user's (`--seeds PATH`)."""
        return False

    def read(self, path: Path) -> Sequence[Seed]:
        """Returns the seeds of a file or folder that it takes, in a fixed order.

        Raises:
            UsageError: naming file and key, if a seed is broken.
        """
        raise NotImplementedError("a seed source that takes files has a `read`")


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

    @property
    def at_once(self) -> int:
        """How many calls of `generate` it works on at the same time (known after `load`)."""
        return 1

    def check(self) -> None:
        """Looks, without loading anything heavy, whether there is such a model.

        Raises:
            UsageError: naming the setting, if there is none.
        """

    def reach(self) -> None:
        """Makes sure that `load` will find the model; asked of those that are loaded late.

        Raises:
            UsageError: naming the setting, if it cannot be had.
        """

    def keep_in(self, folder: Path) -> None:
        """Is told the run's folder, before `load`, to keep there what must not be asked twice.

        Whatever a model keeps is its own: a file of its name, not one of the run's.
        """

    def spread(self, executor: ExecutorSettings, progress: Progress) -> None:
        """Is told, before `load`, where a run has it generate; as is, here alone.

        Args:
            progress: is told what becomes of the machines there.

        Raises:
            UsageError: if it cannot generate there.
        """
        if executor.name != "local":
            raise UsageError(
                f"--executor {executor.name}: model '{self.name}' has no weights of its own to "
                "take there; leave it out"
            )

    def load(self) -> None:
        """Makes the model ready; called before it is used, does nothing the second time.

        Raises:
            UsageError: naming the setting, if there is no such model.
        """

    def unload(self) -> None:
        """Makes room for another model; `load` makes this one ready again."""

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

    def stream(self, prompt: str, sampling: Sampling) -> Iterator[str]:
        """Yields what `generate` returns for one prompt, piece by piece; as is, in one piece."""
        yield from self.generate([prompt], sampling)

    def loglikelihood(
        self, pairs: Sequence[tuple[str, str]], progress: Progress | None = None
    ) -> list[float]:
        """Returns the summed log-probability (nats) of each continuation given its prompt."""
        raise UsageError(
            f"model '{self.name}' has no likelihoods; set evaluation.likelihood = false"
        )

    def use_adapter(self, path: Path | None) -> None:
        """Switches to the adapter in folder `path`, or back to the base with None."""
        if path is not None:
            raise UsageError(f"model '{self.name}' takes no adapter; set training.model")


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
            What became of each file; one that cannot be read keeps none of the others out. Its
            problem is only returned: who called says it, and says it once.
        """
        raise UsageError(f"retrieval.retriever: '{self.name}' takes no files")

    def remove(self, paths: Sequence[Path]) -> list[Indexed]:
        """Takes files out again, and all files of folders; they need not be there any more.

        Returns:
            A row for each file that was in.
        """
        raise UsageError(f"retrieval.retriever: '{self.name}' takes no files")

    def contents(self) -> list[Indexed]:
        """Returns what is in: one row a file."""
        raise UsageError(f"retrieval.retriever: '{self.name}' takes no files")

    def digest(self, paths: Sequence[Path] = ()) -> str:
        """Identifies what is searched, so that a run is not resumed on other passages.

        Args:
            paths: what `add` is going to be given with a folder of its own; else the index.
        """
        return ""
