"""Offers the composers; what they need is imported when they are used."""

from __future__ import annotations

from selfspec_core import Composer, hookimpl
from selfspec_plugins.compose.merges import Dare, Ties
from selfspec_plugins.compose.mixture import Mixture


@hookimpl
def selfspec_composers() -> list[type[Composer]]:
    """Offers a mixture of experts behind one router, and two ways to merge their weights."""
    return [Mixture, Ties, Dare]
