"""Stage 3: tunes the base on the examples, and the controls on the seeds alone.

Every round tunes the base anew, as the paper does: what a round adds is its examples, and no round
inherits what the one before forgot.
"""

from __future__ import annotations

from collections.abc import Sequence

from selfspec_core.components import Context, Trainer
from selfspec_core.firewall import Firewall
from selfspec_core.runs import RoundFolder
from selfspec_core.stages.generic import generic_rows
from selfspec_core.stages.names import GENERIC, SPECIALIST
from selfspec_core.stages.tuning import rows_of, train
from selfspec_core.types import Adapter, Example


def specialize(
    folder: RoundFolder,
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
    earlier: Sequence[RoundFolder] = (),
) -> Adapter:
    """Trains the specialist; returns its adapter.

    An adapter that is complete is not trained again on resume.

    Args:
        earlier: folders of rounds whose examples are trained on too.
    """
    examples = [
        Example.from_dict(row) for one in (*earlier, folder) for row in one.read("examples")
    ]
    rows = rows_of(examples, context)
    return train(SPECIALIST, rows, None, folder, trainer, firewall, context)


def train_controls(
    folder: RoundFolder, trainer: Trainer, firewall: Firewall, steps: int, context: Context
) -> dict[str, Adapter]:
    """Trains the controls; returns their adapters by system name.

    `seeds-only` takes the recipe's epochs over the seeds, `seeds-only-long` as many optimizer
    steps as the specialist: few steps and an overfit opponent, so that a gain has to hold against
    both. `generic` takes the recipe's epochs over what the same pipeline made of general seeds.

    Args:
        steps: the specialist's.
    """
    adapters: dict[str, Adapter] = {}
    for control in context.settings.evaluation.controls:
        if control == GENERIC and not context.general_seeds:
            continue  # a note says so: `assemble`
        rows = generic_rows(folder, context) if control == GENERIC else context.seeds
        own = steps if control == "seeds-only-long" else None
        adapters[control] = train(control, rows, own, folder, trainer, firewall, context)
    return adapters
