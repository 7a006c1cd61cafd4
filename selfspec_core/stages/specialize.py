"""Stage 3: tunes the base on the examples, and the controls on the seeds alone.

Every round tunes the base anew, as the paper does: what a round adds is its examples, and no round
inherits what the one before forgot.
"""

from __future__ import annotations

from selfspec_core.components import Context, Trainer
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.stages.generic import generic_rows
from selfspec_core.stages.names import GENERIC, SPECIALIST
from selfspec_core.stages.tuning import Plan, examples_of, rows_of, train_all
from selfspec_core.types import Adapter


def specialize(
    folder: RoundFolder,
    trainer: Trainer,
    firewall: Firewall,
    context: Context,
    *,
    with_controls: bool,
) -> Adapter:
    """Trains the specialist; returns its adapter.

    An adapter that is complete is not trained again on resume.

    Args:
        with_controls: train those that need only seeds with it, which a trainer may do at once.
    """
    examples = examples_of(folder.path.parent, context.round, context.settings)
    plans = [Plan(SPECIALIST, rows_of(examples, context))]
    if with_controls:
        plans += [plan for plan in _controls(folder, context) if plan.system != GENERIC]
    return train_all(plans, folder, trainer, firewall, context)[SPECIALIST]


def train_controls(
    folder: RoundFolder, trainer: Trainer, firewall: Firewall, context: Context
) -> dict[str, Adapter]:
    """Trains the controls that are not there yet; returns all of them by system name."""
    specialist = Plan(SPECIALIST, ())  # it is there
    plans = [specialist, *_controls(folder, context)]
    adapters = train_all(plans, folder, trainer, firewall, context)
    del adapters[SPECIALIST]
    return adapters


def _controls(folder: RoundFolder, context: Context) -> list[Plan]:
    """Returns the controls to train.

    `seeds-only` takes the recipe's epochs over the seeds, `seeds-only-long` as many optimizer
    steps as the specialist: few steps and an overfit opponent, so that a gain has to hold against
    both. `generic` takes the recipe's epochs over what the same pipeline made of general seeds.
    """
    plans = []
    for control in context.settings.evaluation.controls:
        if control == GENERIC:
            if context.general_seeds:  # else a note says so: `assemble`
                plans.append(Plan(control, generic_rows(folder, context)))
        else:
            steps = SPECIALIST if control == "seeds-only-long" else None
            plans.append(Plan(control, context.seeds, steps))
    return plans
