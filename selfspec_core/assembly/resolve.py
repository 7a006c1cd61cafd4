"""How settings are filled: defaults < recipe < flags, checked with one line each.

An unknown key is an error with the nearest known one.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from selfspec_core.config import Settings
from selfspec_core.errors import UsageError, nearest
from selfspec_core.places import check_file

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def parse_flag(flag: str) -> dict[str, Any]:
    """Turns `a.b=c` into nested tables; the value is read as TOML, or as a string.

    Raises:
        UsageError: if there is no `=` or no key, or the value is nested beyond reading.
    """
    key, equals, text = flag.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {flag}: expected KEY=VALUE, for example --set data.size=200")
    try:
        read = tomllib.loads(f"v = {text}")
        value = read["v"] if read.keys() == {"v"} else text  # a line break may begin another key
    except ValueError:  # no TOML, or a number of thousands of digits
        value = text
    except RecursionError:
        raise UsageError(f"--set {key}: the value is nested too deeply") from None
    *tables, last = key.strip().split(".")
    nested: dict[str, Any] = {last: value}
    for table in reversed(tables):
        nested = {table: nested}
    return nested


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Returns `base` with the tables of `over` laid on top, key by key."""
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        UsageError: naming file, line and column.
    """
    check_file(path)
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def resolve(tables: Iterable[tuple[str, Mapping[str, Any]]]) -> Settings:
    """Lays the named tables over the defaults, in order, and checks the result.

    Args:
        tables: (where it comes from, nested tables); the name is used in error messages.

    Raises:
        UsageError: naming source and key, the nearest known key, or what the value should be.
    """
    merged: dict[str, Any] = {}
    for source, table in tables:
        merged = merge(merged, table)
        settings = filled(Settings, merged, source)
    return settings


def filled(model: type[M], table: Mapping[str, Any], source: str) -> M:
    """Fills a settings model; `true` is no number, and `"12"` neither.

    Raises:
        UsageError: naming source and key, the nearest known key, or what the value should be.
    """
    try:
        made = model.model_validate(table)
    except ValidationError as error:
        raise UsageError(f"{source}: {describe(error, model)}") from None
    for key, given, sort in _converted(table, made.model_dump()):
        raise UsageError(f"{source}: '{key}' = {given!r}: input should be {sort}")
    return made


def _converted(given: Any, made: Any, key: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yields each value that became another sort of value: key, as given, what it should be."""
    if isinstance(given, Mapping) and isinstance(made, Mapping):
        for name, value in given.items():
            yield from _converted(value, made.get(name), f"{key}.{name}".lstrip("."))
    elif isinstance(given, list | tuple) and isinstance(made, list | tuple):
        for number, pair in enumerate(zip(given, made, strict=False)):
            yield from _converted(*pair, f"{key}.{number}")
    elif isinstance(made, bool) and not isinstance(given, bool):
        yield key, given, "true or false"
    elif isinstance(made, int | float) and isinstance(given, bool | str) and made is not given:
        yield key, given, "a number"


def read_back(cls: type[T], row: Any, file: Path, *within: str) -> T:
    """Builds a dataclass of what a command has written: it may be another's, or damaged.

    Args:
        within: the keys under which `row` stands in the file.

    Raises:
        UsageError: naming the file, and the key that is missing or wrong.
    """
    try:
        return TypeAdapter(cls).validate_python(row)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, (*within, *first["loc"])))
        where = f"key '{key}': " if key else ""
        raise UsageError(f"{file}: damaged: {where}{first['msg'].lower()}") from None


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """Returns the first problem of a validation error as one line."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        name, known = ".".join(path), _keys_at(model, path[:-1])
        return (
            f"unknown setting '{name}'{nearest(name, ('.'.join([*path[:-1], k]) for k in known))}"
        )
    given = first.get("input")
    if first["type"] == "model_type":
        keys = ", ".join(f"{path[-1]}.{key}" for key in _keys_at(model, path)[:3])
        return f"'{'.'.join(path)}' = {given!r}: it is a table; set one of its keys ({keys} ...)"
    message = first["msg"].removeprefix("Value error, ")  # one of ours
    return f"'{'.'.join(path)}' = {given!r}: {message[0].lower()}{message[1:]}"


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        model = model.model_fields[part].annotation  # type: ignore[assignment]
    return list(model.model_fields)


def flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns nested tables as one, keys joined by dots."""
    rows: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        rows.update(flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return rows


def toml_key(name: str) -> str:
    """Returns a key as TOML writes it."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else as_toml(name)


def as_toml(value: Any) -> str:
    """Returns a value as TOML writes it on one line."""
    match value:
        case Mapping():
            pairs = (f"{toml_key(str(key))} = {as_toml(one)}" for key, one in value.items())
            return "{ " + ", ".join(pairs) + " }"
        case list() | tuple():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case str():  # JSON escapes what TOML wants escaped, but for DEL
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case date() | time():
            return value.isoformat()
    return json.dumps(value)
