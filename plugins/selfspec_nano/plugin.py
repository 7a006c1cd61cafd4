"""Offers the embedded base model to selfspec as the model `nano`."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from selfspec_plugins.transformers_model import TransformersModel

from selfspec_core import Model, hookimpl


class Nano(TransformersModel):
    """The base model that ships with selfspec; loaded like any other local folder."""

    name = "nano"
    summary = "the embedded base model: a few million parameters, works anywhere"

    def load(self) -> None:
        """Loads the weights that lie in this package."""
        folder = Path(str(resources.files("selfspec_nano") / "weights"))
        self.settings = self.settings.model_copy(update={"path": folder})
        super().load()


@hookimpl
def selfspec_models() -> list[type[Model]]:
    """Offers nano."""
    return [Nano]
