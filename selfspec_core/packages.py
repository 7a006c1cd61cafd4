"""What a domain package needs to serve its files: seeds, tasks and recipes as package data."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, get_args

from selfspec_core.components import SeedSource
from selfspec_core.errors import UsageError, nearest
from selfspec_core.types import CLOSED_KINDS, KINDS, Item, Kind, Seed, Task

_SEED_KEYS = ("id", "task", "kind", "instruction", "input", "output")


def read_jsonl(file: Traversable, label: str) -> list[tuple[int, dict[str, Any]]]:
    """Reads (line number, object) pairs from a JSONL file; empty lines are skipped.

    Raises:
        UsageError: naming file and line, if a line is not a JSON object.
    """
    rows = []
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UsageError(f"{label}: no such file") from None
    except (IsADirectoryError, UnicodeDecodeError) as error:
        raise UsageError(f"{label}: expected a UTF-8 JSONL file ({error})") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(f"{label}:{number}: not valid JSON: {error.msg}") from None
        if not isinstance(row, dict):
            raise UsageError(f"{label}:{number}: expected a JSON object")
        rows.append((number, row))
    return rows


def parse_seeds(file: Traversable, label: str) -> list[Seed]:
    """Reads and checks seeds.

    Raises:
        UsageError: naming file, line and key: a missing or unknown key, a wrong type, an unknown
            kind, a closed kind without choices, an output that is no choice, an id used twice.
    """
    seeds: dict[str, Seed] = {}
    for number, row in read_jsonl(file, label):
        where = f"{label}:{number}"
        _check_keys(row, where)
        seed = Seed.from_dict(row)
        if seed.id in seeds:
            raise UsageError(f"{where}: id '{seed.id}' is used twice")
        if seed.kind in CLOSED_KINDS and seed.output not in seed.choices:
            raise UsageError(
                f"{where}: output '{seed.output}' is none of choices {list(seed.choices)}"
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
        if not isinstance(row.get(key), str):
            raise UsageError(f"{where}: key '{key}' must be a string")
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


class PackagedSeeds(SeedSource):
    """Seeds in a file of an installed package; serves our seeds and a third party's alike."""

    package: ClassVar[str]
    file: ClassVar[str]

    def seeds(self) -> Iterable[Seed]:
        """Yields the seeds in file order."""
        return parse_seeds(resources.files(self.package) / self.file, f"{self.package}/{self.file}")


def seeds_from_file(path: Path) -> list[Seed]:
    """Reads seeds from a file of the user's (`--seeds FILE`)."""
    return parse_seeds(path, str(path))


def read_recipe(package: str, size: str) -> dict[str, Any]:
    """Returns recipe `size` from the package's `domain.toml`: its `[recipes.SIZE]` table.

    Raises:
        KeyError: if the file has no such recipe.
    """
    text = (resources.files(package) / "domain.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["recipes"][size])


def load_tasks(package: str) -> list[Task]:
    """Reads every task of a package: `tasks/NAME.toml` (header) and `tasks/NAME.jsonl` (items)."""
    folder = resources.files(package) / "tasks"
    heads = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [_load_task(folder, head) for head in heads]


def _load_task(folder: Traversable, head: Traversable) -> Task:
    table = tomllib.loads(head.read_text(encoding="utf-8"))
    name, kind, metric = table["name"], table["kind"], table["metric"]
    if kind not in get_args(Kind):
        raise UsageError(f"{head.name}: unknown kind '{kind}'{nearest(kind, KINDS)}")
    choices = tuple(table.get("choices", ()))
    items = []
    for _, row in read_jsonl(folder / f"{name}.jsonl", f"{name}.jsonl"):
        items.append(Item.from_dict({"metric": metric, "choices": choices, **row}))
    return Task(
        name,
        kind,
        metric,
        table["title"],
        table["summary"],
        choices,
        tuple(items),
    )
