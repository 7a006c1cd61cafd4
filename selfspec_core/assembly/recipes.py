"""Recipes: the settings that suit a size of run, selfspec's own with a domain's laid over them."""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from selfspec_core.assembly.resolve import merge
from selfspec_core.errors import UsageError, nearest

if TYPE_CHECKING:
    from selfspec_core.components import Domain

RECIPES = ("quick", "full")
"""The sizes there are."""

_OWN = "recipes.toml"


def read_recipe(package: str, size: str) -> dict[str, Any]:
    """Returns what a package's `domain.toml` changes in recipe `size`.

    That is its table `[recipe]`, which holds for every size, with `[recipes.SIZE]` on top; either
    may be missing.

    Raises:
        UsageError: if there is no such file, it is no valid TOML, or has a table of another name.
    """
    where = f"{package}/domain.toml"
    table = _read(resources.files(package) / "domain.toml", where)
    _check_names(table, ("recipe", "recipes"), where)
    sizes = table.get("recipes", {})
    _check_names(sizes, RECIPES, f"{where}: recipes")
    return merge(table.get("recipe", {}), sizes.get(size, {}))


def layers(domain: Domain, size: str) -> list[tuple[str, dict[str, Any]]]:
    """Returns what recipe `size` of a domain consists of, lowest first: (name, nested tables)."""
    own = _read(resources.files("selfspec_core") / _OWN, _OWN)[size]
    return [(f"{_OWN}, {size}", own), (f"recipe {size}", domain.recipe(size))]


def _read(file: Traversable, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode())
    except FileNotFoundError:
        raise UsageError(
            f"{where}: no such file; it holds what the domain changes in the recipes"
        ) from None
    except OSError as error:
        raise UsageError(f"{where}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}: not valid TOML: {error}") from None


def _check_names(table: dict[str, Any], known: tuple[str, ...], where: str) -> None:
    for name, value in table.items():
        if name not in known:
            raise UsageError(f"{where}: unknown table '{name}'{nearest(name, known)}")
        if not isinstance(value, dict):
            raise UsageError(f"{where}: '{name}' must be a table")
