"""Writes report.html: one file, no network, no script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfspec_core.files import write_atomically
from selfspec_core.manifest import as_written
from selfspec_core.report.content import content
from selfspec_core.report.svg import check_library
from selfspec_core.report.words import counted, number, percent

FILE = "report.html"


def write_report(path: Path, summary: Mapping[str, Any]) -> Path:
    """Writes the page of a run into its folder and returns the file.

    Args:
        summary: of `selfspec show RUN --json`.

    Raises:
        UsageError: if matplotlib is missing or a file of the run is damaged.
    """
    check_library()
    with as_written(path):
        text = render(content(path, summary))
    write_atomically(path / FILE, text)
    return path / FILE


def render(found: Mapping[str, Any]) -> str:
    """Lays the content out; whatever is no figure of ours is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("selfspec_core.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, percent=percent, count=counted)
    style, _, _ = environment.loader.get_source(environment, "style.css")  # type: ignore[union-attr]
    return environment.get_template("page.html.jinja").render(found, style=Markup(style))  # noqa: S704
