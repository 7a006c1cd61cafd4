"""Finance: headlines, filings and central-bank language."""

from __future__ import annotations

from selfspec_core import Domain, Filter, PackagedDomain, PackagedSeeds, SeedSource, hookimpl
from selfspec_finance.filters import FiguresFollow


class Finance(PackagedDomain):
    """The domain."""

    name = "finance"
    title = "Finance"
    summary = "news sentiment and events, central-bank stance, figures, tables, roles, names, terms"
    package = "selfspec_finance"


class FinanceSeeds(PackagedSeeds):
    """Seeds that ship with selfspec."""

    name = "finance"
    summary = "seeds over the domain's tasks, short and long"
    package, file = "selfspec_seeds", "finance.jsonl"


@hookimpl
def selfspec_domains() -> list[type[Domain]]:
    """Offers the domain."""
    return [Finance]


@hookimpl
def selfspec_seed_sources(domain: str) -> list[type[SeedSource]]:
    """Offers its seeds."""
    return [FinanceSeeds] if domain == "finance" else []


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers its check."""
    return [FiguresFollow]
