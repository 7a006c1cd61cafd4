"""Public sets from the Hugging Face hub: `--benchmark hf:OWNER/NAME[:CONFIG]`.

What a set's columns mean is a mapping (`selfspec_core.sets.mapping`) in `benchmarks.toml` of an
installed domain package; the asked-for domain's own mappings come first, then the others'.
"""

from __future__ import annotations

import difflib
import logging
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from selfspec_core.assembly.resolve import filled
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.measures.metrics import metric_name
from selfspec_core.packages import package_file
from selfspec_core.places import check_file
from selfspec_core.sets.items import parse_items, read_items
from selfspec_core.sets.mapping import BadRow, MissingColumn, SetMapping, item_fields
from selfspec_core.sources import DOMAIN_GROUP, entries
from selfspec_core.types import Item

PREFIX = "hf:"
FILE = "benchmarks.toml"
_NAME = re.compile(r"[\w.-]+/[\w.-]+(?::[\w.-]+)?")
_OFFLINE = ("OfflineModeIsEnabled", "LocalEntryNotFoundError", "MaxRetryError")


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping as it stands in a file, not checked yet."""

    name: str
    file: str
    table: dict[str, Any]


def absolute(benchmark: str) -> str:
    """Returns `--benchmark` as a manifest keeps it: a file's path made absolute.

    Raises:
        UsageError: if it is a device or a pipe.
    """
    if benchmark.startswith(PREFIX):
        return benchmark
    check_file(Path(benchmark))
    return str(Path(benchmark).absolute())


def read_benchmark(benchmark: str, domain: str) -> tuple[str, list[Item]]:
    """Reads what `--benchmark` names: a file of items, or a public set.

    Args:
        benchmark: a path, or `hf:OWNER/NAME[:CONFIG]`.
        domain: whose mappings come first.

    Returns:
        The set's name in tables, and its items.

    Raises:
        UsageError: for what the file, the name or the mapping has wrong.
        SelfspecError: if the hub cannot be reached or refuses.
    """
    if not benchmark.startswith(PREFIX):
        path = Path(benchmark)
        return path.stem, read_items(path)
    name = benchmark.removeprefix(PREFIX)
    if not _NAME.fullmatch(name):
        raise UsageError(f"--benchmark {benchmark}: expected hf:OWNER/NAME or hf:OWNER/NAME:CONFIG")
    return name, _items(_find(name, domain))


def mapped_sets(domain: str | None = None) -> dict[str, Mapped]:
    """Returns every mapped set by name; of two mappings of one set, the earlier counts.

    Raises:
        UsageError: if the file of the asked-for domain is no valid TOML.
    """
    found: dict[str, Mapped] = {}
    for owner, label, file in _files(domain):
        try:
            tables = tomllib.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            if owner == domain:
                raise UsageError(f"{label}: not valid TOML: {error}") from None
            continue  # another domain's broken file must not stop this run
        for mapped in _expanded(label, tables):
            found.setdefault(mapped.name, mapped)
    return found


def check_mapping(mapped: Mapped) -> SetMapping:
    """Returns the mapping, checked.

    Raises:
        UsageError: naming file, set and key.
    """
    where = f'{mapped.file}: ["{mapped.name}"]'
    for key, field in SetMapping.model_fields.items():
        if field.is_required() and key not in mapped.table:
            raise UsageError(f"{where}: key '{key}' is missing")
    mapping = filled(SetMapping, mapped.table, where)
    try:
        metric_name(mapping.metric, mapping.kind)
    except UsageError as error:
        raise UsageError(f"{where}: 'metric': {error}") from None
    if problem := mapping.problem():
        raise UsageError(f"{where}: {problem}")
    return mapping


def _files(domain: str | None) -> Iterator[tuple[str, str, Traversable]]:
    """Yields (domain, label, file) of each installed domain package that has mappings."""
    for entry in sorted(entries(DOMAIN_GROUP), key=lambda entry: entry.name != domain):
        file = package_file(entry.module, FILE)
        if file is not None:
            yield entry.name, f"{entry.module.partition('.')[0]}/{FILE}", file


def _expanded(label: str, tables: dict[str, Any]) -> Iterator[Mapped]:
    """Yields a mapping for each configuration of each table."""
    for key, table in tables.items():
        if not isinstance(table, dict):
            continue
        configs = table.get("configs")
        names = [f"{key}:{one}" for one in configs] if isinstance(configs, list) else [key]
        for name in names:
            yield Mapped(name, label, table)


def _find(name: str, domain: str) -> Mapped:
    known = mapped_sets(domain)
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), {k.lower(): k for k in known}, n=1, cutoff=0.0)
    hint = next((f"; nearest: '{PREFIX}{k}'" for k in known if k.lower() in near), "")
    raise UsageError(
        f"--benchmark {PREFIX}{name}: no mapping says what its columns mean{hint}; to map it add "
        f'a table ["{name}"] to {FILE} of a domain package, or write its rows to a .jsonl file'
    )


def _items(mapped: Mapped) -> list[Item]:
    mapping = check_mapping(mapped)
    rows = _load(mapped, mapping)
    label = f"{PREFIX}{mapped.name}"
    numbers = list(range(len(rows)))
    if mapping.sample is not None and len(numbers) > mapping.sample:
        numbers = sorted(random.Random(0).sample(numbers, mapping.sample))
        rows = rows.select(numbers)
    short = mapped.name.rpartition("/")[2]
    fixed = {
        "task": mapping.task or short.rpartition(":")[2].lower(),
        "kind": mapping.kind,
        "metric": mapping.metric,
        "instruction": mapping.instruction,
    }
    lines = []
    for number, row in zip(numbers, rows, strict=True):
        where = f"{label}, row {number}"
        try:
            fields = item_fields(mapping, row)
        except MissingColumn as error:
            raise UsageError(
                f"{label}: column '{error}' of the mapping in {mapped.file} is missing; "
                f"the set has {', '.join(map(str, row))}"
            ) from None
        except BadRow as error:
            raise UsageError(f"{where}: {error} (mapping in {mapped.file})") from None
        lines.append((where, {"id": f"{short}-{number}", **fixed, **fields}))
    return parse_items(lines, label)


def _load(mapped: Mapped, mapping: SetMapping) -> Any:
    """Loads one split, from the cache where the hub cannot be reached."""
    label = f"{PREFIX}{mapped.name}"
    try:
        from datasets import load_dataset
    except ImportError:
        raise UsageError(
            f"--benchmark {label}: needs the package datasets: pip install 'selfspec[local]'"
        ) from None
    path, _, config = mapped.name.partition(":")
    # a converted revision has no configurations, only a folder for each
    folder = mapping.folder.replace("{config}", config) if mapping.folder else None
    hub_log = logging.getLogger("huggingface_hub")
    level = hub_log.level
    hub_log.setLevel(logging.ERROR)  # without a network it would report each of its retries
    try:
        return load_dataset(
            path,
            None if folder else config or None,
            data_dir=folder,
            revision=mapping.revision,
            split=mapping.split,
        )
    except Exception as error:  # what a hub, a network and a file format can do is open-ended
        raise SelfspecError(f"--benchmark {label}: {_reason(error)}") from error
    finally:
        hub_log.setLevel(level)


def _reason(error: Exception) -> str:
    """Says in a line why a set did not load."""
    kinds = {cls.__name__ for cls in type(error).__mro__}
    offline = isinstance(error, ConnectionError | TimeoutError) or kinds & {*_OFFLINE}
    library = type(error).__module__
    if offline or library.startswith(("httpx", "httpcore")):  # or httpx2
        return "the hub cannot be reached and the set is not in the cache; is there a network?"
    if "DatasetNotFoundError" in kinds:
        return "the hub has no such set or revision, or wants a login (`hf auth login`)"
    first = (str(error).splitlines() or [""])[0]
    return f"did not load: {type(error).__name__}: {first}"
