"""Builds the model that the settings, or a flag, name."""

from __future__ import annotations

from difflib import get_close_matches

from selfspec_core.assembly.request import model_table
from selfspec_core.components import Model
from selfspec_core.config import Settings
from selfspec_core.contracts import held
from selfspec_core.errors import UsageError, nearest
from selfspec_core.plugins import PluginHost


def build_model(host: PluginHost, settings: Settings, tuned: str | None = None) -> Model:
    """Builds the model that `model.name` names: a backend, or any other id for `transformers`.

    Args:
        tuned: `training.model`, when another model is to be tuned; or one of `--baseline`.
    """
    table = settings.model
    if tuned:
        table = table.model_copy(update=model_table(tuned, host))
    if table.path is None:
        _check_backend(table.name, host)
    backend = table.name if host.has("models", table.name.rpartition("/")[2]) else "transformers"
    made: Model = host.find("models", backend)(table)
    return held(made)


def _check_backend(name: str, host: PluginHost) -> None:
    """Refuses what is almost a backend's name; anything else may be a hub id."""
    known = [cls.name for _, cls in host.offered("models")]
    if "/" not in name and name not in known and get_close_matches(name, known, n=1, cutoff=0.8):
        raise UsageError(f"model '{name}': no such model{nearest(name, known)}")
