"""Law: contracts, opinions, evidence and consumer terms."""

from __future__ import annotations

from selfspec_core import Domain, Filter, PackagedDomain, PackagedSeeds, SeedSource, hookimpl
from selfspec_law.filters import CitedSections


class Law(PackagedDomain):
    """The domain."""

    name = "law"
    title = "Law"
    summary = "clauses, entailment, hearsay, unfair terms, overruling, issues, parties, fines"
    package = "selfspec_law"


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
