"""The data that flows through a run: rows of its journals, trainings, evaluations."""

from selfspec_core.types.evaluation import Item, Prediction, Score, System, Task
from selfspec_core.types.kinds import CLOSED_KINDS, KINDS, LIST_KINDS, LONG_KINDS, Kind
from selfspec_core.types.record import Record
from selfspec_core.types.rows import (
    KEEP,
    Example,
    Indexed,
    Instruction,
    Pair,
    Passage,
    Seed,
    Verdict,
)
from selfspec_core.types.training import Adapter, TrainingJob

__all__ = [
    "Adapter",
    "CLOSED_KINDS",
    "Example",
    "Indexed",
    "Instruction",
    "Item",
    "KEEP",
    "KINDS",
    "Kind",
    "LIST_KINDS",
    "LONG_KINDS",
    "Pair",
    "Passage",
    "Prediction",
    "Record",
    "Score",
    "Seed",
    "System",
    "Task",
    "TrainingJob",
    "Verdict",
]
