"""What is checked: a domain package, installed or lying in a folder, read once for all rules."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from selfspec_core.assembly.recipes import RECIPES, layers, read_recipe
from selfspec_core.assembly.resolve import read_toml, resolve
from selfspec_core.components import Domain
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError, nearest
from selfspec_core.jsonl import read_jsonl
from selfspec_core.packages import PASSAGES, package_file
from selfspec_core.plugins import PluginHost
from selfspec_core.sources import DOMAIN_GROUP
from selfspec_core.types import Item, Seed, Task

_Name = Annotated[str, Field(pattern=r"^[\w.-]+$")]
_Module = Annotated[str, Field(pattern=r"^[\w.]+( *: *[\w.]+)?( *\[.*\])?$")]


@dataclass
class Package:
    """A domain package; what it holds is read when a rule first asks for it.

    Attributes:
        name: of the domain, as its entry point has it.
        module: that the entry point names.
    """

    name: str
    dist: str
    version: str
    module: str

    @cached_property
    def host(self) -> PluginHost:
        """Holds the built-in plugins and this package.

        Raises:
            UsageError: if the package does not load.
        """
        host = PluginHost()
        host.load_defaults()
        host.load_domain(self.name)
        return host

    @cached_property
    def domain(self) -> Domain:
        """The domain itself."""
        return self.host.build("domains", self.name)  # type: ignore[no-any-return]

    @cached_property
    def seeds(self) -> Sequence[Seed]:
        """The seeds of all its sources, in order."""
        sources = [cls() for _, cls in self.host.offered("seed_sources", self.name)]
        return [seed for source in sources for seed in source.seeds()]

    @cached_property
    def tasks(self) -> Sequence[Task]:
        """The tasks with their items."""
        return list(self.domain.tasks())

    @property
    def items(self) -> list[Item]:
        """The items of all tasks."""
        return [item for task in self.tasks for item in task.items]

    @property
    def rows(self) -> list[Seed | Item]:
        """Seeds and items together."""
        return [*self.seeds, *self.items]

    @cached_property
    def passages(self) -> list[tuple[str, dict[str, Any]]]:
        """(`file:line`, row) of each knowledge passage; none without the file."""
        file = package_file(self.module, PASSAGES)
        return read_jsonl(file, PASSAGES) if file is not None else []

    def written_recipe(self, size: str) -> dict[str, Any]:
        """Returns recipe `size` as `domain.toml` in the package has it.

        Raises:
            UsageError: if the file is missing or broken.
        """
        return read_recipe(self.module.partition(".")[0], size)

    def settings(self, size: str) -> Settings:
        """Returns the settings that recipe `size` of the domain adds up to.

        Raises:
            UsageError: for an unknown key or a wrong value.
        """
        return resolve(layers(self.domain, size))

    def every_settings(self) -> Iterator[tuple[str, Settings]]:
        """Yields each recipe's name and settings."""
        for size in RECIPES:
            yield size, self.settings(size)


@contextmanager
def opened(target: str | Path) -> Iterator[Package]:
    """Finds a package by the name of its domain, or in a folder, installed or not.

    A folder is put on the import path for as long as the context lasts, with the metadata that
    installing it would give, so that everything finds it as it would find an installed package.

    Raises:
        UsageError: if there is no such domain, or the folder holds no domain package.
    """
    entries = entry_points(group=DOMAIN_GROUP)
    named = [entry for entry in entries if entry.name == str(target)]
    if named:
        yield _package(named[0])
    elif Path(target).is_dir():
        with _importable(Path(target).resolve()) as entry:
            yield _package(entry)
    else:
        hint = nearest(str(target), {entry.name for entry in entries})
        raise UsageError(f"{target}: neither an installed domain nor a folder{hint}")


def _package(entry: EntryPoint) -> Package:
    dist = entry.dist
    return Package(
        entry.name, dist.name if dist else "?", dist.version if dist else "?", entry.module
    )


@contextmanager
def _importable(folder: Path) -> Iterator[EntryPoint]:
    """Makes a folder's package importable and known by its entry points."""
    project = _read_project(folder)
    module = next(iter(project.groups[DOMAIN_GROUP].values())).partition(":")[0].strip()
    with tempfile.TemporaryDirectory(prefix="selfspec-check-") as metadata:
        _write_metadata(Path(metadata), project)
        before = list(sys.path)
        sys.path[:0] = [metadata, str(folder), str(folder / "src")]
        try:
            _forget(module.partition(".")[0])
            yield next(
                entry
                for entry in entry_points(group=DOMAIN_GROUP)
                if entry.dist and entry.dist.name == project.name
            )
        finally:
            sys.path[:] = before
            _forget(module.partition(".")[0])


class _Project(BaseModel):
    """What is read of the table `project` of a pyproject.toml; all of it becomes names of files."""

    name: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*$", description="the name of the distribution")
    version: str = Field("0", pattern=r"^[\w.!+-]+$", description="a version")
    groups: dict[_Name, dict[_Name, _Module]] = Field(
        {}, alias="entry-points", description='lines NAME = "module"'
    )


def _read_project(folder: Path) -> _Project:
    """Reads pyproject.toml.

    Raises:
        UsageError: naming file and key.
    """
    file = folder / "pyproject.toml"
    if not file.exists():
        raise UsageError(f"{file}: no such file; expected the folder of a domain package")
    try:
        project = _Project.model_validate(read_toml(file).get("project", {}))
    except ValidationError as error:
        first = str(next(iter(error.errors()[0]["loc"]), ""))
        fields = _Project.model_fields.items()
        expected = {field.alias or name: field.description for name, field in fields}
        where = f"project.{first}" if first else "project"
        raise UsageError(f"{file}: '{where}': expected {expected.get(first, 'a table')}") from None
    if len(project.groups.get(DOMAIN_GROUP, {})) != 1:
        table = f'[project.entry-points."{DOMAIN_GROUP}"]'
        raise UsageError(f'{file}: expected one line NAME = "selfspec_NAME" under {table}')
    return project


def _write_metadata(folder: Path, project: _Project) -> None:
    dist, version = project.name, project.version
    info = folder / f"{dist.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {dist}\nVersion: {version}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    tables = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in lines.items())])
        for group, lines in project.groups.items()
    ]
    (info / "entry_points.txt").write_text("\n".join(tables) + "\n", encoding="utf-8")


def _forget(package: str) -> None:
    """Lets the next import of a package read its files again."""
    for name in [n for n in sys.modules if n == package or n.startswith(f"{package}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
