"""The plugin host: finds plugins, loads them one by one, keeps their errors, looks up by name.

The only file that imports pluggy's manager. Built-in plugins are named in one tuple; third-party
ones come from two entry-point groups: `selfspec.domains` (a domain package, imported only when
its domain is asked for) and `selfspec.plugins` (imported for every run).
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

import pluggy

from selfspec_core import hookspecs
from selfspec_core.components import Component
from selfspec_core.contracts import held
from selfspec_core.errors import UsageError, nearest
from selfspec_core.sources import DOMAIN_GROUP, PLUGIN_GROUP, Source, installed, source_of

DEFAULT_PLUGINS = {
    "selfspec_plugins.answerability": ("filters",),
    "selfspec_plugins.balance": ("filters",),
    "selfspec_plugins.compose.plugin": ("composers",),
    "selfspec_plugins.export.plugin": ("exporters",),
    "selfspec_plugins.few_shot": ("generators",),
    "selfspec_plugins.filters": ("filters",),
    "selfspec_plugins.from_passage": ("generators",),
    "selfspec_plugins.general.plugin": ("domains", "seed_sources"),
    "selfspec_plugins.generators": ("generators",),
    "selfspec_plugins.grounded": ("filters",),
    "selfspec_plugins.harness": ("evaluators",),
    "selfspec_plugins.instructlab": ("seed_sources",),
    "selfspec_plugins.length_outliers": ("filters",),
    "selfspec_plugins.training.lora_trainer": ("trainers",),
    "selfspec_plugins.knowledge.plugin": ("retrievers",),
    "selfspec_plugins.novelty": ("filters",),
    "selfspec_plugins.parts": ("filters",),
    "selfspec_plugins.answers": ("evaluators",),
    "selfspec_plugins.personal_data": ("filters",),
    "selfspec_plugins.round_trip": ("filters",),
    "selfspec_plugins.scripted": ("models", "trainers"),
    "selfspec_plugins.served.plugin": ("models",),
    "selfspec_plugins.local.transformers_model": ("models",),
    "selfspec_nano.plugin": ("models", "evaluators"),
}
"""Plugins that come with the core, and what they offer; plugins like any other."""

HOOKS = {
    "domains": "selfspec_domains",
    "seed_sources": "selfspec_seed_sources",
    "models": "selfspec_models",
    "generators": "selfspec_generators",
    "retrievers": "selfspec_retrievers",
    "filters": "selfspec_filters",
    "trainers": "selfspec_trainers",
    "evaluators": "selfspec_evaluators",
    "composers": "selfspec_composers",
    "exporters": "selfspec_exporters",
}
PER_DOMAIN = frozenset({"seed_sources", "retrievers", "evaluators"})

C = TypeVar("C", bound=Component)


class PluginHost:
    """Holds what has been loaded.

    Environment: `SELFSPEC_PLUGINS=a,b` loads only the third-party plugins named;
    `SELFSPEC_STRICT=1` makes a failed plugin an error.
    """

    def __init__(self, *, third_party: bool = True) -> None:
        self.sources: dict[str, Source] = {}
        self._third_party = third_party
        self._manager = pluggy.PluginManager("selfspec")
        self._manager.add_hookspecs(hookspecs)

    def load_defaults(self, what: str | None = None) -> None:
        """Loads the built-in plugins and everything in the group `selfspec.plugins`.

        Args:
            what: leave out built-in plugins that offer no component of this kind.
        """
        version = _own_version()
        for module, offers in DEFAULT_PLUGINS.items():
            if what is None or what in offers:
                source = Source(module, "selfspec", version, "built-in")
                self._load(source, lambda m=module: import_module(m))
        wanted = os.environ.get("SELFSPEC_PLUGINS")
        for entry in self._entries[PLUGIN_GROUP] if self._third_party else ():
            if wanted is None or entry.name in wanted.split(","):
                self._load(source_of(entry, PLUGIN_GROUP), entry.load)

    def load_domain(self, name: str, asked: str = "--domain") -> None:
        """Loads the package that provides domain `name` or `dist/name`; others stay unimported.

        Args:
            asked: the flag or argument that named it, for errors.

        Raises:
            UsageError: if there is none (naming the nearest), two provide it, or it fails to load.
        """
        dist, _, bare = name.rpartition("/")
        if not dist and self.has("domains", name):
            return
        matches = [
            entry
            for entry in self._entries[DOMAIN_GROUP]
            if entry.name == bare and dist in ("", source_of(entry, DOMAIN_GROUP).dist)
        ]
        if not matches:
            known = [entry.name for entry in self._entries[DOMAIN_GROUP]]
            known += [cls.name for _, cls in self.offered("domains")]
            hint = nearest(name, known) or "; none is installed: pip install a domain package"
            raise UsageError(f"{asked} {name}: no such domain{hint}")
        if len(matches) > 1:
            dists = sorted(source_of(entry, DOMAIN_GROUP).dist for entry in matches)
            either = " or ".join(f"{dist}/{name}" for dist in dists)
            raise UsageError(
                f"{asked} {name}: provided by both {' and '.join(dists)}; "
                f"write {either}, or uninstall one"
            )
        source = source_of(matches[0], DOMAIN_GROUP)
        self._load(source, matches[0].load)
        failed = self.sources[source.key]
        if failed.error:
            raise UsageError(
                f"{asked} {name}: {failed.dist} {failed.version} failed to load: {failed.error}"
            )

    def load_every_domain(self) -> None:
        """Loads all installed domain packages, keeping the errors of those that fail."""
        for entry in self._entries[DOMAIN_GROUP]:
            source = source_of(entry, DOMAIN_GROUP)
            if source.key not in self.sources:
                self._load(source, entry.load)

    def offered(self, what: str, domain: str | None = None) -> list[tuple[Source, type[Any]]]:
        """Returns every component class of a kind with the plugin it comes from."""
        hook = getattr(self._manager.hook, HOOKS[what])
        found = []
        for impl in hook.get_hookimpls():
            source = self.sources[impl.plugin_name]
            try:
                # an implementation may take fewer arguments than the spec has
                classes = _checked(impl.function(*(domain for _ in impl.argnames)) or ())
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._keep_error(source, error)
                continue
            found += [(source, cls) for cls in classes]
        return found

    def has(self, what: str, name: str, domain: str | None = None) -> bool:
        """Says whether a component of that name is offered."""
        return any(cls.name == name for _, cls in self.offered(what, domain))

    def find(self, what: str, name: str, domain: str | None = None) -> type[Any]:
        """Looks a component class up by `name` or `dist/name`.

        Raises:
            UsageError: if there is none (naming the nearest), or two plugins provide it.
        """
        dist, _, bare = name.rpartition("/")
        offered = self.offered(what, domain)
        found = [(s, c) for s, c in offered if c.name == bare and dist in ("", s.dist)]
        singular = what.removesuffix("s").replace("_", " ")
        if not found:
            hint = nearest(bare, {cls.name for _, cls in offered})
            raise UsageError(f"no {singular} is called '{name}'{hint}")
        if len(found) > 1:
            choices = " or ".join(f"'{source.dist}/{bare}'" for source, _ in found)
            raise UsageError(f"{singular} '{bare}' has two providers; write {choices}")
        return found[0][1]

    def build(
        self,
        what: str,
        name: str,
        settings: dict[str, Any] | None = None,
        domain: str | None = None,
    ) -> Any:
        """Builds a component with its settings checked; it is held to its contract.

        Raises:
            UsageError: if there is no such component, or a setting is wrong.
        """
        from selfspec_core.assembly.resolve import filled  # pydantic, which listings do without

        cls = self.find(what, name, domain)
        return held(cls(filled(cls.Settings, settings or {}, f"{what}.{name}")))

    def failures(self) -> Sequence[Source]:
        """Returns the plugins that did not load."""
        return [source for source in self.sources.values() if source.error]

    @cached_property
    def _entries(self) -> dict[str, list[EntryPoint]]:
        return installed()

    def _load(self, source: Source, load: Any) -> None:
        """Imports and registers one plugin; a failure is kept, never raised (unless strict)."""
        self.sources[source.key] = source
        registered = False
        try:
            plugin = load()
            if self._manager.is_registered(plugin):
                raise ValueError("the same module is registered under another name already")
            self._manager.register(plugin, name=source.key)
            registered = True
            self._check(source.name, plugin)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of a library in Rust is no Exception
            if registered:
                self._manager.unregister(name=source.key)
            self._keep_error(source, error)

    def _keep_error(self, source: Source, error: BaseException) -> None:
        kept = f"{type(error).__name__}: {' '.join(str(error).split())}"
        self.sources[source.key] = replace(source, error=kept, trace=traceback.format_exc())
        if os.environ.get("SELFSPEC_STRICT") == "1":
            raise UsageError(f"plugin {source} failed to load: {kept}") from error

    def _check(self, name: str, plugin: object) -> None:
        """Refuses hook implementations that no spec knows: most often a misspelt name."""
        self._manager.check_pending()
        if not self._manager.get_hookcallers(plugin):
            raise TypeError(f"{name} implements no selfspec hook (is @hookimpl missing?)")


def _checked(classes: Any) -> list[type[Component]]:
    """Returns what a hook returned, if it is a list of component classes with their names.

    Raises:
        TypeError: saying what it is instead.
    """
    if not isinstance(classes, list | tuple):
        raise TypeError(f"a hook returned {classes!r} instead of a list of classes")
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Component)):
            raise TypeError(f"a hook returned {cls!r}, which is no component class")
        for key in ("name", "summary"):
            if not isinstance(getattr(cls, key, None), str):
                raise TypeError(f"component {cls.__name__} has no '{key}'")
    return list(classes)


def _own_version() -> str:
    from selfspec_core import __version__

    return __version__
