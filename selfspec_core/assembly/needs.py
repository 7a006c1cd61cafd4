"""What components and quotas need of a run, looked at before it starts."""

from __future__ import annotations

from collections.abc import Sequence

from selfspec_core.components import Context, Filter, Generator, Model
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError, nearest
from selfspec_core.stages.names import GENERIC
from selfspec_core.types import Seed


def check_needs(
    components: Sequence[Generator | Filter],
    filters: Sequence[Filter],
    context: Context,
    training_model: Model | None,
    judge: Filter | None,
) -> None:
    """Refuses components that could not do their work.

    Args:
        training_model: the model that is tuned, where it is another than the one that answers.
        judge: the filter that tells the answers of a preference pair apart, if one does.

    Raises:
        UsageError: naming the component and the setting.
    """
    size = context.settings.data.size
    for one in (*components, *([judge] if judge else [])):
        if one.retrieves and context.retriever is None:
            raise UsageError(f"'{one.name}' needs passages; set retrieval.retriever")
        if one.retrieves and one is not judge and GENERIC in context.settings.evaluation.controls:
            raise UsageError(
                f"evaluation.controls: '{GENERIC}' has no passages, and '{one.name}' needs them"
            )
    if judge and judge.probe_rows(size) and not any(one.probe_rows(size) for one in filters):
        raise UsageError(
            f"preference.pairs: '{judge.name}' asks a probe; filters.order has to name it too"
        )
    for one in filters:
        if training_model is not None and one.probe_rows(size):
            raise UsageError(
                f"filters.order: '{one.name}' asks the model that answers after tuning it; "
                "with training.model another one is tuned"
            )


def check_shares(settings: Settings, seeds: Sequence[Seed]) -> None:
    """Refuses shares of tasks that do not exist, or that leave too little to fill `data.size`.

    Raises:
        UsageError: naming the key.
    """
    own = settings.data.task_shares
    tasks = list(dict.fromkeys(seed.task for seed in seeds))
    for task in own:
        if task not in tasks:
            raise UsageError(f"data.task_shares.{task}: no such task{nearest(task, tasks)}")
    if own.keys() >= set(tasks) and sum(own.values()) < 1 - 1e-9:
        raise UsageError("data.task_shares: they add up to less than 1, so examples are missing")
