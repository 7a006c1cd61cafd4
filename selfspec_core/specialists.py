"""A run that has a specialist, opened to be used: to be talked to, or taken elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from selfspec_core.assembly.assemble import domain_of, load_host, read_sets
from selfspec_core.assembly.models import build_model
from selfspec_core.assembly.request import Request, resolve_settings
from selfspec_core.components import Model, Retriever
from selfspec_core.config import Settings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.knowledge import find_retriever
from selfspec_core.layouts import LAYOUTS, Layout
from selfspec_core.manifest import read_scores
from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Silent
from selfspec_core.report.keep import read_seeds
from selfspec_core.runs import Run, find_run
from selfspec_core.stages.names import SPECIALIST
from selfspec_core.stages.tuning import adapter_path, trained
from selfspec_core.types import Item, Seed


@dataclass(frozen=True, slots=True)
class Specialist:
    """What a run made, and what it takes to use it.

    Attributes:
        run: the run's folder.
        number: of the round that was chosen; of the last one where none has been yet.
        system: `specialized` or `preferred`, whichever did better on dev.
        adapter: folder of its adapter.
        scores: what scores.json of that round says; empty before there is one.
    """

    run: Path
    number: int
    system: str
    adapter: Path
    domain: str
    settings: Settings
    host: PluginHost
    request: Request
    scores: dict[str, Any]

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.resolve().name

    @property
    def layout(self) -> Layout:
        """The layout in which it was tuned."""
        return LAYOUTS[self.settings.training.layout]

    def stops(self, layout: Layout) -> tuple[str, ...]:
        """Returns where a response to any of what it was tuned for is over, in a layout."""
        return layout.stops(*(seed.kind for seed in read_seeds(self.run)))

    @property
    def base(self) -> str:
        """The model it was tuned on, as a user would name it."""
        model = self.settings.training.model or self.settings.model.path or self.settings.model.name
        return Path(model).name if Path(model).is_dir() else str(model)

    def base_layout(self, model: Model) -> Layout:
        """Returns the layout in which the base did best on dev; before that is known, its own.

        Args:
            model: the base, loaded.
        """
        best = self.scores.get("layouts", {}).get("best")
        if best in LAYOUTS:
            return LAYOUTS[best]
        return LAYOUTS[self.settings.model.layout or model.capabilities.layout]

    def model(self, **changes: Any) -> Model:
        """Builds the model it was tuned on, without its adapter; `load` makes it ready.

        Args:
            changes: settings of `[model]` that are to be others.
        """
        table = self.settings.model.model_copy(update=changes)
        settings = self.settings.model_copy(update={"model": table})
        return build_model(self.host, settings, self.settings.training.model)

    def tuned_on(self, model: str) -> dict[str, Any]:
        """Returns what identified that model when the round loaded it; empty if it did not."""
        return _loaded(RoundFolder(self.run / f"round-{self.number}", write=False), model)

    def check_base(self, model: Model) -> None:
        """Refuses a loaded base that is no longer the one this was tuned on; see `check_base`."""
        check_base(RoundFolder(self.run / f"round-{self.number}", write=False), model)

    def retriever(self) -> Retriever:
        """Builds the retriever of the run, or the one that its domain has.

        Raises:
            UsageError: if there is none.
        """
        found = find_retriever(self.host, self.settings, self.domain)
        if self.request.knowledge:
            found.add([], Silent(), self.run / "knowledge")
        return found

    def questions(self, count: int) -> list[Item | Seed]:
        """Returns up to `count` questions of the run, tasks in turn: its items, else its seeds."""
        own = read_sets(replace(self.request, benchmarks=()))[0]
        rows: Sequence[Item | Seed] = own.items or read_seeds(self.run)
        by_task: dict[str, list[Item | Seed]] = {}
        for row in rows:
            by_task.setdefault(row.task, []).append(row)
        turns = chain.from_iterable(zip_longest(*by_task.values()))
        return [row for row in turns if row is not None][:count]

    def texts(self) -> list[str]:
        """Returns the run's seeds and examples: texts that any tokenizer has to get right."""
        rows = [seed.to_dict() for seed in read_seeds(self.run)]
        folder = RoundFolder(self.run / f"round-{self.number}", write=False)
        rows += list(folder.read("examples"))
        return [self.layout.entry(row["instruction"], row["input"], row["output"]) for row in rows]


def open_specialist(name: str, flags: Sequence[dict[str, Any]] = ()) -> Specialist:
    """Opens a run for its specialist; only reads.

    Args:
        flags: settings over those of the run, as nested tables.

    Raises:
        UsageError: if there is no such run, or it has no specialist.
    """
    path = find_run(name)
    run = Run.open(path)
    number, adapters = _tuned(run)
    scores = read_scores(path / f"round-{number}") or {}
    stands = {one.get("round"): one.get("system", "") for one in run.manifest.get("rounds", ())}
    system = stands.get(number, "").partition("@")[0]
    system = system if system in adapters else SPECIALIST  # dev items have not been asked yet
    asked = Request.from_dict(run.manifest["request"], path / "manifest.json")
    request = replace(asked, set=(*asked.set, *flags))
    host = load_host(request.domain, f"{path / 'manifest.json'}: domain")
    domain = domain_of(request, host)
    return Specialist(
        path,
        number,
        system,
        adapters[system],
        domain.name,
        resolve_settings(request, domain, host),
        host,
        request,
        scores,
    )


def check_base(folder: RoundFolder, model: Model) -> None:
    """Refuses a model that is no longer the one that a round tuned.

    What tells is the hashes of its weights; of a model of the hub, which has none, its commit.

    Args:
        model: loaded.

    Raises:
        SelfspecError: naming the file, or the commit.
    """
    then, now, run = _loaded(folder, model.name), model.describe(), folder.path.parent.name
    name = now.get("name", model.name)
    before, found = then.get("weights", {}), now.get("weights", {})
    for file in before.keys() & found.keys():
        if found[file] != before[file]:
            raise SelfspecError(f"{name}: {file} is not what {run} was tuned on")
    known, there = then.get("revision"), now.get("revision")
    if not before and known and there and known != there:
        raise SelfspecError(f"{name}: is at commit {there}, but {run} was tuned on {known}")


def _loaded(folder: RoundFolder, model: str) -> dict[str, Any]:
    loads = [c["is"] for c in folder.commits if c["stage"] == "load" and c.get("model") == model]
    return dict(loads[-1]) if loads else {}  # of two of one backend the last is the tuned one


def _tuned(run: Run) -> tuple[int, dict[str, Path]]:
    """Returns the chosen round, or the last that has a specialist, and the adapters it made."""
    chosen = run.manifest.get("chosen_round")
    numbers = run.round_numbers()
    for number in [chosen] if chosen in numbers else reversed(numbers):
        folder = RoundFolder(run.path / f"round-{number}", write=False)
        made = {name: adapter_path(folder, name) for name in trained(folder)}
        there = {name: path for name, path in made.items() if path.is_dir()}
        if SPECIALIST in there:
            return number, there
    raise UsageError(f"{run.path}: has no specialist yet; a run makes one when it has been tuned")
