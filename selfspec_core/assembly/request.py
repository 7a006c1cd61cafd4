"""What a person asked for, and the settings it adds up to, checked before anything runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from selfspec_core.assembly.recipes import RECIPES, layers
from selfspec_core.assembly.resolve import read_back, read_toml, resolve
from selfspec_core.assembly.trust import check_hosts, check_trust, trusts
from selfspec_core.components import Domain, Generator, Model
from selfspec_core.config import Settings
from selfspec_core.config.model import pinned
from selfspec_core.errors import UsageError, nearest
from selfspec_core.knowledge import defaults
from selfspec_core.layouts import LAYOUTS
from selfspec_core.plugins import PluginHost


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for: the arguments of `run`, kept in the manifest for `resume`."""

    domain: str | None = None
    recipe: str = "quick"
    model: str | None = None
    seeds: str | None = None
    benchmarks: tuple[str, ...] = ()
    set: tuple[dict[str, Any], ...] = ()
    knowledge: tuple[str, ...] = ()
    baselines: tuple[str, ...] = ()

    __pydantic_config__ = ConfigDict(extra="forbid")

    @classmethod
    def from_dict(cls, row: dict[str, Any], file: Path, *, works: bool = True) -> Request:
        """Reads a request back from a manifest.

        Args:
            works: whether a model is to be loaded for it, or asked; to compare what it said is not.

        Raises:
            UsageError: naming the file and the key that is missing or wrong.
        """
        asked = read_back(cls, row, file, "request")
        if not asked.domain and not asked.seeds:
            raise UsageError(f"{file}: damaged: 'request' has neither 'domain' nor 'seeds'")
        if works:
            check_trust(asked.set, file)
        return asked


def resolve_settings(request: Request, domain: Domain, host: PluginHost) -> Settings:
    """Adds up defaults, recipe, model choice and flags.

    Raises:
        UsageError: naming recipe, file, key or flag.
    """
    tables = [("--knowledge", defaults(request.knowledge))]
    if request.recipe in RECIPES:
        tables += layers(domain, request.recipe)
    elif Path(request.recipe).suffix == ".toml":
        tables.append((request.recipe, read_toml(Path(request.recipe))))
    else:
        hint = nearest(request.recipe, RECIPES)
        raise UsageError(f"--recipe {request.recipe}: expected quick, full or a .toml file{hint}")
    if request.model:
        tables.append(("--model", {"model": model_table(request.model, host)}))
    every = [*(table for _, table in tables), *request.set]
    for source, table in tables:
        if trusts(table):
            flag = "--set model.trust_remote_code=true"
            raise UsageError(f"{source}: 'model.trust_remote_code': only {flag} switches that on")
        check_hosts([table], every, source)
    tables += [("--set", table) for table in request.set]
    return resolve(tables)


def resolved(model: str) -> str:
    """Returns the model as it is to be kept: a folder by its absolute path."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def model_table(model: str, host: PluginHost) -> dict[str, Any]:
    """Reads `--model`: a backend's name, a folder, or a hub id, with `@REVISION` or without."""
    if host.has("models", model.rpartition("/")[2]) and not Path(model).is_dir():
        return {"name": model, "path": None}
    if Path(model).exists() or model.startswith((".", "/", "~")):
        return {"name": "transformers", "path": Path(model).expanduser()}
    name, revision = pinned(model)
    return {"name": name, "path": None} | ({"revision": revision} if revision else {})


def check_settings(settings: Settings, host: PluginHost, model: Model) -> None:
    """Finds what would go wrong only hours later.

    Raises:
        UsageError: naming the key.
    """
    layouts = {"model": settings.model.layout, "training": settings.training.layout}
    for table, layout in layouts.items():
        if layout is not None and layout not in LAYOUTS:
            raise UsageError(f"{table}.layout = {layout!r}{nearest(layout, LAYOUTS)}")
    if settings.data.size == 0 and not settings.data.seeds:
        raise UsageError("data.size = 0 and data.seeds = false: nothing is left to train on")
    _check_generators(settings, host)
    if settings.rounds.proposer == "specialist" and settings.rounds.instructions == "keep":
        raise UsageError(
            "rounds.proposer = 'specialist': nothing is proposed while the first round's "
            "instructions are kept; set rounds.instructions = 'renew'"
        )
    if any(re.search("[@?#]", url) for url in settings.model.base_url):
        raise UsageError(
            "model.base_url: an address with a user, password, key or query is refused, for "
            "settings are written; put the key into an environment variable (model.key_variable)"
        )
    _check_training(settings, model)
    known = {
        c.name
        for what in ("generators", "trainers", "evaluators", "retrievers", "composers")
        for _, c in host.offered(what, "")
    }
    for name in settings.components.model_extra or {}:
        if name not in known:
            raise UsageError(f"unknown setting 'components.{name}'{nearest(name, known)}")


def _check_generators(settings: Settings, host: PluginHost) -> None:
    """Wants generators that do what they are named for."""
    for role, name in (
        ("propose", settings.propose.generator),
        ("answer", settings.answer.generator),
    ):
        cls = host.find("generators", name)
        if getattr(cls, role) is getattr(Generator, role):
            able = [
                c.name
                for _, c in host.offered("generators")
                if getattr(c, role) is not getattr(Generator, role)
            ]
            raise UsageError(
                f"{role}.generator: '{name}' does not {role}; these do: {', '.join(able)}"
            )


def _check_training(settings: Settings, model: Model) -> None:
    """Wants a trainer that can tune the model, and what it is told to use."""
    trainers = {"training": settings.training.trainer, "preference": settings.preference.trainer}
    for table, trainer in trainers.items():
        if (
            trainer
            and not settings.training.model
            and (trainer == "remember") != (model.trainer == "remember")
        ):
            raise UsageError(f"{table}.trainer: '{trainer}' cannot tune model '{model.name}'")
    together, batch = settings.training.processes, settings.training.batch
    if together > batch:
        raise UsageError(f"training.processes = {together}: a step has {batch} examples to share")
    if settings.training.accelerate and together == 1:
        raise UsageError("training.accelerate: goes with training.processes above 1")
    for tracker in settings.training.report_to:
        if find_spec(tracker) is None:
            raise UsageError(
                f"training.report_to: {tracker} is not installed; pip install {tracker}"
            )
