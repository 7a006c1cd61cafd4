"""Law: contracts, opinions, evidence and consumer terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selfspec_core import (
    Domain,
    Filter,
    PackagedSeeds,
    SeedSource,
    Task,
    hookimpl,
    load_tasks,
    read_recipe,
)
from selfspec_law.filters import CitedSections


class Law(Domain):
    """The domain."""

    name = "law"
    title = "Law"
    summary = "clauses, entailment, hearsay, unfair terms, overruling, issues, parties, fines"

    def recipe(self, size: str) -> dict[str, Any]:
        """Returns recipe `size` of domain.toml."""
        return read_recipe("selfspec_law", size)

    def tasks(self) -> Sequence[Task]:
        """Returns the tasks under tasks/."""
        return load_tasks("selfspec_law")


class LawSeeds(PackagedSeeds):
    """Seeds that ship with selfspec."""

    name = "law"
    summary = "seeds over the domain's tasks, short and long"
    package, file = "selfspec_seeds", "law.jsonl"


@hookimpl
def selfspec_domains() -> list[type[Domain]]:
    """Offers the domain."""
    return [Law]


@hookimpl
def selfspec_seed_sources(domain: str) -> list[type[SeedSource]]:
    """Offers its seeds."""
    return [LawSeeds] if domain == "law" else []


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers its check."""
    return [CitedSections]
