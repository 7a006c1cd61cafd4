"""Settings: the tables that a recipe, a TOML file and `--set` flags can fill, with their defaults.

Defaults are those of Self-Specialization (arXiv 2310.00160) and, where it gives none, of Self-MoE
(arXiv 2406.12034). How they are filled: `selfspec_core.assembly.resolve`.
"""

from __future__ import annotations

from pydantic import Field

from selfspec_core.config.data import (
    AnswerSettings,
    DataSettings,
    FiltersSettings,
    ProposeSettings,
    RetrievalSettings,
    SeedsSettings,
)
from selfspec_core.config.evaluation import EvaluationSettings, RoundsSettings
from selfspec_core.config.model import ExecutorSettings, ModelSettings
from selfspec_core.config.tables import NamedTables, Table
from selfspec_core.config.training import PreferenceSettings, TrainingSettings

__all__ = [
    "AnswerSettings",
    "ComponentsSettings",
    "DataSettings",
    "EvaluationSettings",
    "ExecutorSettings",
    "FiltersSettings",
    "ModelSettings",
    "PreferenceSettings",
    "ProposeSettings",
    "RetrievalSettings",
    "RoundsSettings",
    "SeedsSettings",
    "Settings",
    "TrainingSettings",
]


class ComponentsSettings(NamedTables):
    """Settings of a plugin's own components: `components.NAME.KEY`."""


class Settings(Table):
    """All settings of a run."""

    random_seed: int = Field(0, ge=0)
    model: ModelSettings = Field(default_factory=ModelSettings)
    executor: ExecutorSettings = Field(default_factory=ExecutorSettings)
    data: DataSettings = Field(default_factory=DataSettings)
    seeds: SeedsSettings = Field(default_factory=SeedsSettings)
    propose: ProposeSettings = Field(default_factory=ProposeSettings)
    answer: AnswerSettings = Field(default_factory=AnswerSettings)
    retrieval: RetrievalSettings = Field(default_factory=RetrievalSettings)
    filters: FiltersSettings = Field(default_factory=FiltersSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    evaluation: EvaluationSettings = Field(default_factory=EvaluationSettings)
    rounds: RoundsSettings = Field(default_factory=RoundsSettings)
    components: ComponentsSettings = Field(default_factory=ComponentsSettings)
    preference: PreferenceSettings = Field(default_factory=PreferenceSettings)
