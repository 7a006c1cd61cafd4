"""The components of the preference round, found by the settings before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from selfspec_core.components import Filter, Trainer
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError, nearest
from selfspec_core.plugins import PluginHost
from selfspec_core.stages.prefer import MAJORITY


def build_preferrer(host: PluginHost, settings: Settings, trainer: str) -> Trainer | None:
    """Builds what tunes on pairs; None where no preference round is set.

    Args:
        trainer: the one that trains on examples; it tunes on pairs too unless another is named.

    Raises:
        UsageError: naming the trainers that do tune on pairs, if this one does not.
    """
    if not settings.preference.enabled:
        return None
    name = settings.preference.trainer or trainer
    if host.find("trainers", name).prefer is Trainer.prefer:
        able = [c.name for _, c in host.offered("trainers") if c.prefer is not Trainer.prefer]
        raise UsageError(
            f"preference.trainer: '{name}' does not tune on pairs; these do: {', '.join(able)}"
        )
    return host.build("trainers", name, settings.components.of(name))  # type: ignore[no-any-return]


def judge_builder(host: PluginHost, settings: Settings) -> Callable[[], Filter | None]:
    """Returns what builds the filter that tells the answers of a pair apart; None: the majority.

    A new one for every batch: what it says must not hang on where a run was interrupted.

    Raises:
        UsageError: if `preference.pairs` is neither `majority` nor a filter of examples.
    """
    name = settings.preference.pairs
    if not settings.preference.enabled or name == MAJORITY:
        return lambda: None
    able = {c.name for _, c in host.offered("filters") if c.phase == "example"}
    if name.rpartition("/")[2] not in able:
        raise UsageError(f"preference.pairs = '{name}'{nearest(name, {MAJORITY, *able})}")

    def build() -> Any:
        return host.build("filters", name, settings.filters.of(name))

    build()  # a wrong filter setting is an error now
    return build
