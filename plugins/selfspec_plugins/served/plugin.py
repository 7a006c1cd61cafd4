"""Offers the model `openai`; the client and all that goes with it is imported when it is loaded."""

from __future__ import annotations

from selfspec_core import Model, hookimpl
from selfspec_plugins.served.model import Served


@hookimpl
def selfspec_models() -> list[type[Model]]:
    """Offers the backend."""
    return [Served]
