"""What is a number to compute with, of what a plugin, a server or a file says."""

from __future__ import annotations

from typing import Any

_MOST = 1e300
"""Sums of numbers below it stay finite, and they fit into a float."""


def is_finite(value: Any) -> bool:
    """Says whether it is a number: JSON as Python reads it has NaN, infinity and 400 digits too."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
