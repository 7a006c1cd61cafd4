"""Components that take a finished specialist elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from selfspec_core.components.base import Component
from selfspec_core.progress import Progress

if TYPE_CHECKING:
    from selfspec_core.specialists import Specialist


class Exporter(Component):
    """Writes a specialist in a form that other programs read.

    Attributes:
        precisions: what `--quantize` may ask for, the default first; empty: there is no choice.
    """

    precisions: ClassVar[tuple[str, ...]] = ()

    def check(self, specialist: Specialist) -> None:
        """Looks, before anything heavy is loaded, whether this specialist can be written so.

        Raises:
            UsageError: saying what is in the way.
        """

    def export(
        self, specialist: Specialist, out: Path, precision: str, progress: Progress
    ) -> dict[str, Any]:
        """Writes into the empty folder `out`, and reads back what it wrote.

        Returns:
            What export.json is to say about it: JSON values; what was compared, and how closely
            it agrees. The core moves the folder to its final name afterwards.

        Raises:
            SelfspecError: if what was read back is not the specialist, saying where it differs.
        """
        raise NotImplementedError("an exporter is abstract without `export`")
