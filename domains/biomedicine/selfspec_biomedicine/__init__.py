"""Biomedicine: abstracts, case notes, leaflets and patients' reviews."""

from __future__ import annotations

from selfspec_biomedicine.filters import EntitySpans
from selfspec_core import Domain, Filter, PackagedDomain, PackagedSeeds, SeedSource, hookimpl


class Biomedicine(PackagedDomain):
    """The domain."""

    name = "biomedicine"
    title = "Biomedicine"
    summary = "study questions, entities, drug interactions, reviews, doses, hallmarks, abstracts"
    package = "selfspec_biomedicine"


class BiomedicineSeeds(PackagedSeeds):
    """Seeds that ship with selfspec."""

    name = "biomedicine"
    summary = "seeds over the domain's tasks, short and long"
    package, file = "selfspec_seeds", "biomedicine.jsonl"


@hookimpl
def selfspec_domains() -> list[type[Domain]]:
    """Offers the domain."""
    return [Biomedicine]


@hookimpl
def selfspec_seed_sources(domain: str) -> list[type[SeedSource]]:
    """Offers its seeds."""
    return [BiomedicineSeeds] if domain == "biomedicine" else []


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers its check."""
    return [EntitySpans]
