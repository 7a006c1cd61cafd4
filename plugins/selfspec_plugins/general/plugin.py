"""Offers the domain `general`: a yardstick for tuning on no field in particular."""

from __future__ import annotations

from selfspec_core import Domain, PackagedDomain, PackagedSeeds, SeedSource, hookimpl


class General(PackagedDomain):
    """Everyday text, without finance, medicine or law."""

    name = "general"
    title = "General"
    summary = "everyday notes: mood, topic, yes or no, claims, people, answers, amounts"
    package = "selfspec_plugins.general"


class GeneralSeeds(PackagedSeeds):
    """Seeds over more kinds of work than the domain has items for."""

    name = "general"
    summary = "seeds over twelve everyday tasks"
    package, file = "selfspec_seeds", "general.jsonl"


@hookimpl
def selfspec_domains() -> list[type[Domain]]:
    """Offers the domain."""
    return [General]


@hookimpl
def selfspec_seed_sources(domain: str) -> list[type[SeedSource]]:
    """Offers its seeds."""
    return [GeneralSeeds] if domain == "general" else []
