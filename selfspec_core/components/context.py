"""What a component is given while it works."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core.layouts import LAYOUTS, Layout
from selfspec_core.progress import Progress, Silent
from selfspec_core.stopwatch import Stopwatch
from selfspec_core.types import Instruction, Seed

if TYPE_CHECKING:
    from selfspec_core.components.resources import Model, Retriever
    from selfspec_core.config import Settings


@dataclass(slots=True)
class Context:
    """What a component is given: the resident model, the settings, the seeds, the domain's name.

    Evaluation items are not in it: no generator, filter or trainer sees them.

    Attributes:
        pool: instructions accepted in earlier waves, for use as demonstrations.
        wanted: tasks that still have room for proposals; empty means all.
        general_seeds: seeds of no field in particular, for the control `generic` and for runs that
            mix some into the training rows.
        probe: an adapter tuned on the round's first examples, if a filter asked for one and there
            are enough (`Filter.probe_rows`).
        watch: wall seconds by step, for the manifest.
        adapter: of the specialist that works in this context; None: the base does.
    """

    domain: str
    model: Model
    settings: Settings
    seeds: Sequence[Seed]
    round: int = 1
    pool: Sequence[Instruction] = ()
    wanted: Sequence[str] = ()
    general_seeds: Sequence[Seed] = ()
    retriever: Retriever | None = None
    probe: Path | None = None
    progress: Progress = field(default_factory=Silent)
    watch: Stopwatch = field(default_factory=Stopwatch)
    adapter: Path | None = None

    @property
    def decisions(self) -> dict[str, Any]:
        """What had to be decided while running; see `Model.decisions`."""
        return self.model.decisions

    def timed(self, step: str) -> AbstractContextManager[None]:
        """Adds the wall time of a block to the step's."""
        return self.watch.timed(step)

    def random_seed_of(self, stage: str, batch: int = 0) -> int:
        """Returns the random seed of a batch, from (random_seed, round, stage, batch) alone."""
        import hashlib  # OpenSSL, which listings do without

        text = f"{self.settings.random_seed}/{self.round}/{stage}/{batch}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")

    @property
    def layout(self) -> Layout:
        """The layout in which whoever works here is prompted: a specialist in the tuned one."""
        if self.adapter is not None:
            return self.tuned_layout
        return LAYOUTS[self.settings.model.layout or self.model.capabilities.layout]

    @property
    def tuned_layout(self) -> Layout:
        """The layout in which a specialist is tuned and asked."""
        return LAYOUTS[self.settings.training.layout]

    def seeds_of(self, task: str) -> list[Seed]:
        """Returns the seeds of one task, in order."""
        return [seed for seed in self.seeds if seed.task == task]
