"""Where plugins come from: what the metadata of installed packages says, without importing any."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

DOMAIN_GROUP, PLUGIN_GROUP = "selfspec.domains", "selfspec.plugins"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin comes from, and why it failed if it did.

    Attributes:
        summary: the one line of its distribution's metadata.
    """

    name: str
    dist: str
    version: str
    group: str
    summary: str = ""
    error: str | None = None
    trace: str | None = None

    @property
    def key(self) -> str:
        """Unique among all plugins: two distributions may use one entry-point name."""
        return f"{self.group}:{self.dist}/{self.name}"

    def __str__(self) -> str:
        return f"{self.name} ({self.dist} {self.version})"


def installed_domains() -> list[Source]:
    """Lists domain packages from metadata alone; imports none of them."""
    return [source_of(entry, DOMAIN_GROUP) for entry in entries(DOMAIN_GROUP)]


def domain_clashes() -> list[str]:
    """Says which domains two installed packages provide, from metadata alone."""
    dists: dict[str, list[str]] = {}
    for source in installed_domains():
        dists.setdefault(source.name, []).append(source.dist)
    return [
        f"domain '{name}' is provided by both {' and '.join(sorted(both))}"
        for name, both in dists.items()
        if len(both) > 1
    ]


def installed() -> dict[str, list[EntryPoint]]:
    """Returns the entry points of both groups, sorted by name.

    Reads a file of every installed distribution: ask once.
    """
    every = entry_points()
    return {
        group: sorted(every.select(group=group), key=lambda entry: entry.name)
        for group in (DOMAIN_GROUP, PLUGIN_GROUP)
    }


def entries(group: str) -> list[EntryPoint]:
    """Returns the installed entry points of a group, sorted by name."""
    return installed()[group]


def source_of(entry: EntryPoint, group: str) -> Source:
    """Returns what an entry point's metadata says about it."""
    if not entry.dist:
        return Source(entry.name, "?", "?", group)
    metadata = entry.dist.metadata  # parsed anew whenever it is asked for
    summary = metadata["Summary"] if "Summary" in metadata else ""
    return Source(entry.name, metadata["Name"], metadata["Version"], group, summary)
