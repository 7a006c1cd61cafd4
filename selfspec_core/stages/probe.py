"""An adapter tuned on the first examples of a round, by which filters judge the others.

It is made in the middle of collecting, between two answered batches, and has a commit of its own:
what a batch is judged by depends on the examples committed before it and on nothing else, so a
resumed run judges alike. It is no system: nothing is evaluated with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from selfspec_core.components import Context, Filter, Trainer
from selfspec_core.errors import UsageError
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.stages.tuning import PROBE, Plan, rows_of, train_all
from selfspec_core.types import Example

STAGE = "probe"


class Probe:
    """Tunes the adapter once there are the examples for it, and puts it into the context.

    Args:
        filters: those of the run; the largest number of rows that one of them asks for counts.
    """

    def __init__(
        self,
        folder: RoundFolder,
        filters: Sequence[Filter],
        trainer: Trainer,
        firewall: Firewall,
        context: Context,
    ) -> None:
        self._folder, self._trainer = folder, trainer
        self._firewall, self._context = firewall, context
        self._rows = probe_rows(filters, context.settings.data.size)
        context.probe = None

    def attend(self, accepted: int) -> None:
        """Makes the adapter ready if it is due.

        Args:
            accepted: examples that the round has so far.
        """
        if not self._rows or accepted < self._rows or self._context.probe is not None:
            return
        first = islice(self._folder.read("examples"), self._rows)
        rows = rows_of([Example.from_dict(row) for row in first], self._context)
        made = (self._folder, self._trainer, self._firewall, self._context, STAGE)
        self._context.probe = train_all([Plan(PROBE, rows)], *made)[PROBE].path


def probe_rows(filters: Sequence[Filter], size: int) -> int:
    """Returns how many examples a probe is tuned on, or 0 if no filter asks for one."""
    return max((one.probe_rows(size) for one in filters), default=0)


def check_probe(filters: Sequence[Filter], context: Context) -> None:
    """Refuses filters that need a probe where there cannot be one.

    Raises:
        UsageError: naming the filter.
    """
    asking = [one.name for one in filters if one.probe_rows(context.settings.data.size)]
    if asking and not context.model.capabilities.trains:
        raise UsageError(
            f"filters.order: '{asking[0]}' tunes the model that answers, and "
            f"'{context.model.name}' cannot be tuned here"
        )
