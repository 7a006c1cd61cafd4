"""Writes a domain package to start from: the files under `template/`, rendered with jinja2."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from selfspec_core.errors import UsageError
from selfspec_core.plugins import DEFAULT_PLUGINS
from selfspec_core.sources import installed_domains

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40
_TAKEN = {"core", "seeds", "adhoc"} | {
    module.partition(".")[0].removeprefix("selfspec_") for module in DEFAULT_PLUGINS
}
"""Names whose package `selfspec_NAME` is part of selfspec, or that a run uses itself."""

_SUFFIX = ".jinja"


def write_package(name: str, into: Path) -> Path:
    """Writes package `selfspec-NAME` into a folder, all of it or nothing; returns its own folder.

    Raises:
        UsageError: for a name that cannot be a package's or is taken, and for a folder that is
            there already.
    """
    check_name(name)
    dist = f"selfspec-{name.replace('_', '-')}"
    target = into / dist
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target}: exists already; choose another NAME or --into")
    if into.exists() and not into.is_dir():
        raise UsageError(f"--into {into}: expected a folder")
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".selfspec-new-", dir=into) as scratch:
        folder = Path(scratch) / dist
        for path, text in rendered(name).items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        shutil.move(folder, target)
    return target


def check_name(name: str) -> None:
    """Refuses what cannot be the name of a domain package.

    Raises:
        UsageError: saying what a name looks like, or who has it.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST or name.startswith("selfspec"):
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("selfspec")).strip("_")
        close = plain.lstrip("0123456789_")[:_LONGEST].strip("_")
        hint = f"; did you mean '{close}'?" if close else ""
        raise UsageError(
            f"NAME {name!r}: expected up to {_LONGEST} lower-case letters, digits and single _, "
            f"a letter first{hint}"
        )
    if name in _TAKEN:
        raise UsageError(f"NAME '{name}': selfspec_{name} is a part of selfspec; choose another")
    for source in installed_domains():
        if source.name == name:
            raise UsageError(
                f"NAME '{name}': {source.dist} {source.version} provides a domain of that name"
            )


def rendered(name: str) -> dict[str, str]:
    """Returns the files of package `selfspec-NAME`: path -> text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from selfspec_core import __version__

    package = f"selfspec_{name}"
    values = {
        "name": name,
        "package": package,
        "dist": package.replace("_", "-"),
        "cls": "".join(part.capitalize() for part in name.split("_")),
        "title": name.replace("_", " ").capitalize(),
        "version": __version__,
    }
    loader = PackageLoader("selfspec_core", "template")
    # Python, TOML and JSON come out, into which only the checked name goes: nothing to escape.
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True)
    moved = {"gitignore": ".gitignore"}
    return {
        moved.get(path, re.sub(r"^package/", f"{package}/", path)): environment.get_template(
            f"{path}{_SUFFIX}"
        ).render(values)
        for path in (one.removesuffix(_SUFFIX) for one in environment.list_templates())
    }
