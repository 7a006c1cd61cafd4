"""Offers the embedded base model to selfspec as the model `nano`, and its own items."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from selfspec_core import Evaluator, Model, hookimpl
from selfspec_core.config import ModelSettings
from selfspec_nano.evaluator import NanoWorld
from selfspec_plugins.local import loading
from selfspec_plugins.local.transformers_model import TransformersModel

MOST_PROCESSES = 4
"""Each loads the libraries by itself; a run of minutes has no use for more."""
BATCH_TOKENS = 8192
"""Half of what others take: enough batches for every process to have some."""


class Nano(TransformersModel):
    """The base model that ships with selfspec; loaded like any other local folder."""

    name = "nano"
    summary = "the embedded base model: a few million parameters, works anywhere"
    caveat = (
        "nano is very small and has read of little but finance, medicine and law: "
        "its scores say nothing about a real model"
    )

    def __init__(self, settings: ModelSettings | None = None) -> None:
        given = settings or ModelSettings()
        folder = Path(str(resources.files("selfspec_nano") / "weights"))
        # in a model this small a second thread costs more than it brings, a second process does not
        own: dict[str, Any] = {"path": folder, "threads": given.threads or 1}
        if "processes" not in given.model_fields_set:
            own["processes"] = min(MOST_PROCESSES, loading.cores())
        if "batch_tokens" not in given.model_fields_set:
            own["batch_tokens"] = BATCH_TOKENS
        super().__init__(given.model_copy(update=own))


@hookimpl
def selfspec_models() -> list[type[Model]]:
    """Offers nano."""
    return [Nano]


@hookimpl
def selfspec_evaluators(domain: str) -> list[type[Evaluator]]:
    """Offers nano-world beside a domain's own items."""
    return [NanoWorld]
