"""What a domain package needs to serve its files: recipes, seeds and tasks as package data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar

from selfspec_core.components import Domain, SeedSource
from selfspec_core.errors import UsageError, nearest
from selfspec_core.jsonl import check_id, read_jsonl, repeated
from selfspec_core.types import CLOSED_KINDS, KINDS, Seed, Task

PASSAGES = "knowledge/passages.jsonl"
"""Where a domain package has the passages that it ships."""

_HEADER_KEYS = ("name", "kind", "metric", "title", "summary", "choices")
_SEED_KEYS = ("id", "task", "kind", "instruction", "input", "output")
_SHEETS = (".csv", ".tsv", ".xls", ".xlsx", ".ods")


def parse_seeds(file: Traversable, label: str) -> list[Seed]:
    """Reads and checks seeds.

    Raises:
        UsageError: naming file, line and key: a missing or unknown key, a wrong type, an unknown
            kind, a closed kind without choices, an output that is no choice, an id used twice or
            with a control character.
    """
    return check_seeds(read_jsonl(file, label), label)


def check_seeds(rows: Sequence[tuple[str, dict[str, Any]]], label: str) -> list[Seed]:
    """Makes seeds of (where it stands, row) pairs; see `parse_seeds`."""
    seeds: dict[str, Seed] = {}
    for where, row in rows:
        _check_keys(row, where)
        seed = Seed.from_dict(row)
        check_id(seed.id, where)
        if seed.id in seeds:
            raise UsageError(f"{where}: id '{seed.id}' is used twice")
        if seed.kind in CLOSED_KINDS and not seed.choices:
            raise UsageError(f"{where}: key 'choices' is missing; kind '{seed.kind}' needs it")
        if seed.kind in CLOSED_KINDS and seed.output not in seed.choices:
            raise UsageError(
                f"{where}: output '{seed.output}' is none of choices {list(seed.choices)}"
            )
        first = next((s for s in seeds.values() if s.task == seed.task), seed)
        if seed.kind != first.kind:
            raise UsageError(
                f"{where}: kind '{seed.kind}', but task '{seed.task}' has '{first.kind}'"
            )
        if "###" in f"{seed.instruction}{seed.input}{seed.output}":
            raise UsageError(
                f"{where}: '###' marks the parts of a prompt and cannot stand in a seed"
            )
        seeds[seed.id] = seed
    if not seeds:
        raise UsageError(f"{label}: holds no seed")
    return list(seeds.values())


def _check_keys(row: dict[str, Any], where: str) -> None:
    known = {*_SEED_KEYS, "choices", "source", "licence"}
    for key in row:
        if key not in known:
            raise UsageError(f"{where}: unknown key '{key}'{nearest(key, known)}")
    for key in _SEED_KEYS:
        if key not in row:
            raise UsageError(f"{where}: key '{key}' is missing")
        if not isinstance(row[key], str):
            quoted = f', as in "{row[key]}"' if type(row[key]) in (int, float) else ""
            raise UsageError(f"{where}: key '{key}' must be a string{quoted}")
        if key != "input" and not row[key].strip():
            raise UsageError(f"{where}: key '{key}' is empty")
    for key in ("source", "licence"):
        if not isinstance(row.get(key, ""), str):
            raise UsageError(f"{where}: key '{key}' must be a string")
    if row["kind"] not in KINDS:
        raise UsageError(f"{where}: unknown kind '{row['kind']}'{nearest(row['kind'], KINDS)}")
    choices = row.get("choices", [])
    if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
        raise UsageError(f"{where}: key 'choices' must be a list of strings")
    if twice := repeated(choices):
        raise UsageError(f"{where}: key 'choices': '{twice}' stands twice")


class PackagedDomain(Domain):
    """A domain whose recipes and tasks are files of an installed package.

    Attributes:
        package: the package with `domain.toml` and `tasks/`.
    """

    package: ClassVar[str]

    def recipe(self, size: str) -> dict[str, Any]:
        """Returns what `domain.toml` changes in recipe `size`."""
        from selfspec_core.assembly.recipes import (
            read_recipe,  # pydantic, which listings do without
        )

        return read_recipe(self.package, size)

    def tasks(self) -> Sequence[Task]:
        """Returns the tasks under `tasks/`."""
        return load_tasks(self.package)


class PackagedSeeds(SeedSource):
    """Seeds in a file of an installed package; serves our seeds and a third party's alike."""

    package: ClassVar[str]
    file: ClassVar[str]

    def seeds(self) -> Iterable[Seed]:
        """Yields the seeds in file order."""
        return parse_seeds(resources.files(self.package) / self.file, f"{self.package}/{self.file}")


def seeds_from_file(path: Path, sources: Sequence[SeedSource] = ()) -> list[Seed]:
    """Reads seeds of the user's (`--seeds PATH`): JSON lines, or whatever a seed source takes."""
    source = next((source for source in sources if source.takes(path)), None)
    if source is None and path.suffix.lower() in _SHEETS:
        keys = ", ".join(_SEED_KEYS)
        raise UsageError(f"{path}: seeds are JSON objects, one a line, with the keys {keys}")
    return list(source.read(path)) if source else parse_seeds(path, str(path))


def package_file(module: str, path: str) -> Traversable | None:
    """Returns a data file of the package that a module is or lies in, or None.

    A module without a package has no files, and neither has one that does not import: who loads
    it as a plugin says why.
    """
    try:
        file = resources.files(module.partition(".")[0]).joinpath(path)
    except (Exception, SystemExit):  # any: the package is somebody else's
        return None
    return file if file.is_file() else None


def load_tasks(package: str) -> list[Task]:
    """Reads every task of a package: `tasks/NAME.toml` (header) and `tasks/NAME.jsonl` (items)."""
    folder = resources.files(package) / "tasks"
    if not folder.is_dir():
        raise UsageError(f"{package}/tasks: no such folder; it holds the tasks")
    heads = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [_load_task(folder, head) for head in heads]


def _read_header(head: Traversable) -> dict[str, Any]:
    """Reads and checks the header of a task."""
    import tomllib  # which seeds do without

    try:
        text = head.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"tasks/{head.name}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"tasks/{head.name}: not valid TOML: {error}") from None
    for key in table:
        if key not in _HEADER_KEYS:
            raise UsageError(f"tasks/{head.name}: unknown key '{key}'{nearest(key, _HEADER_KEYS)}")
    for key in ("name", "kind", "metric", "title", "summary"):
        if key not in table:
            raise UsageError(f"tasks/{head.name}: key '{key}' is missing")
        if not isinstance(table[key], str):
            raise UsageError(f"tasks/{head.name}: key '{key}' must be a string")
    choices = table.get("choices", [])
    keys = [line.partition("=")[0].strip(" \t\"'") for line in text.splitlines()]
    line = keys.index("choices") + 1 if "choices" in keys else 1  # tomllib tells no lines
    where = f"tasks/{head.name}:{line}"
    if not isinstance(choices, list) or not all(isinstance(c, str) and c.strip() for c in choices):
        raise UsageError(f"{where}: key 'choices' must be a list of strings")
    if twice := repeated(choices):
        raise UsageError(f"{where}: key 'choices': '{twice}' stands twice")
    return table


def _load_task(folder: Traversable, head: Traversable) -> Task:
    from selfspec_core.sets.items import ITEM_KEYS, parse_items  # numpy: listings do without

    table = _read_header(head)
    name, choices = table["name"], table.get("choices", [])
    defaults = {"task": name, "kind": table["kind"], "metric": table["metric"]}
    label = f"tasks/{name}.jsonl"
    rows = read_jsonl(folder / f"{name}.jsonl", label)
    for where, row in rows:
        if unknown := row.keys() - ITEM_KEYS:
            raise UsageError(
                f"{where}: unknown key '{min(unknown)}'{nearest(min(unknown), ITEM_KEYS)}"
            )
        if row.get("task", name) != name:
            raise UsageError(f"{where}: 'task': expected '{name}', got '{row['task']}'")
    given = {**defaults, "choices": choices} if choices else defaults
    items = parse_items([(where, {**given, **row}) for where, row in rows], label)
    return Task(
        name,
        table["kind"],
        table["metric"],
        table["title"],
        table["summary"],
        tuple(choices),
        tuple(items),
    )
