"""Rows that journals can hold."""

from __future__ import annotations

from dataclasses import asdict, fields
from functools import cache, lru_cache
from sys import intern
from typing import Any, Self


class Record:
    """A row that journals can hold: plain fields, to and from a dict."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the row as plain JSON values, empty optional fields left out."""
        return {key: value for key, value in asdict(self).items() if value not in (None, (), [])}  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Builds the row again from `to_dict`'s value; unknown keys are ignored."""
        names, known = _names(cls), {}  # type: ignore[arg-type]
        for key, value in row.items():  # what many rows say is one object in memory
            if key in names:
                if type(value) is list:
                    value = _tuple(value)
                elif key in _SAID_OFTEN and type(value) is str:
                    value = intern(value)
                known[key] = value
        return cls(**known)


_SAID_OFTEN = frozenset(("task", "kind", "instruction", "label"))


def _tuple(values: list[Any]) -> tuple[Any, ...]:
    try:
        return _one(tuple(values))
    except TypeError:  # not of texts alone
        return tuple(values)


@lru_cache(256)
def _one(values: tuple[str, ...]) -> tuple[str, ...]:
    """Returns an equal tuple, the same object as long as it keeps coming back."""
    return tuple(map(intern, values))


@cache
def _names(cls: type) -> frozenset[str]:
    return frozenset(f.name for f in fields(cls))
