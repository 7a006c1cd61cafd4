"""Lanes on other machines: batches are answered by actors of a Ray cluster.

What a batch becomes does not depend on who computes it, as with `selfspec_plugins.local.lanes`;
only this process writes journals. It is not one of the lanes: its machine may be the weakest of
them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Lock
from typing import Any

from selfspec_core.components import Model
from selfspec_core.config import ExecutorSettings, ModelSettings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.progress import Progress
from selfspec_plugins.local.lanes import Lanes, Part
from selfspec_plugins.local.workers import Advance, Question
from selfspec_plugins.on_ray.line import Begin, Line, Reply

_ADDRESS = re.compile(r"auto|(\[[0-9A-Fa-f:]+\]|[\w.-]+):\d{1,5}")
_FILES = ("*.json", "*.safetensors")
"""What an adapter consists of."""


def check_ray(executor: ExecutorSettings) -> None:
    """Looks whether Ray is installed and whether there may be such an address; asks nobody.

    Raises:
        UsageError: naming the flag.
    """
    if find_spec("ray") is None:
        raise UsageError("--executor ray: Ray is not installed; pip install 'selfspec[ray]'")
    if executor.address is not None and not _ADDRESS.fullmatch(executor.address):
        also = "; run selfspec on a machine of the cluster" if "://" in executor.address else ""
        raise UsageError(
            f"--address {executor.address}: expected HOST:PORT of the head node, as in "
            f"10.0.0.1:6379, or auto{also}"
        )


class RayLanes(Lanes):
    """The actors of one model.

    Args:
        progress: is told what happens on the cluster.
        threads: how many the model takes: an actor takes as many, for rounding may differ else.
        expected: `Model.describe` of the model here; an actor whose model differs is refused.
    """

    def __init__(
        self,
        model: type[Model],
        settings: ModelSettings,
        executor: ExecutorSettings,
        progress: Progress,
        threads: int,
        expected: dict[str, Any],
    ) -> None:
        super().__init__(model, settings, count=1)  # so a training stays in this process
        own = settings.model_copy(update={"threads": threads, "processes": 1})
        self._begin: Begin = (model, own, expected, executor, threads)
        self._line: Line | None = None
        self._progress = progress
        self._calling = Lock()
        self._actors = 1

    @property
    def at_once(self) -> int:
        """As many questions as there may be actors (known once connected)."""
        return self._actors

    def connect(self) -> Line:
        """Returns the line to the cluster, a new one where there is none.

        Raises:
            UsageError: if there is no such cluster.
        """
        with self._calling:
            if self._line is None:
                line = Line(self._begin, self._progress.say)
                self._actors = line.wait_until_connected()
                self._line = line
            return self._line

    def share(
        self,
        parts: Sequence[Part],
        tokens: int,
        here: Callable[[Question, Advance], Any],
        ask: Callable[[Part], Question],
        take: Callable[[Part, Any], None],
        progress: Progress,
    ) -> list[Part]:
        """Has the actors work on parts; see `Lanes.share`. `here` is never asked."""
        line, too_large = self.connect(), []
        replies: SimpleQueue[Reply] = SimpleQueue()
        try:
            adapter = self._shipped(line)
            for number, part in enumerate(parts):
                line.ask(ask(part), adapter, number, replies)
            for _ in parts:
                number, state, value = replies.get()
                if state == "memory":
                    too_large.append(parts[number])
                elif state == "done":
                    answer, advanced = value
                    take(parts[number], answer)
                    progress.advance(advanced)
                else:
                    raise SelfspecError(f"on Ray: {value}")
        except BaseException:
            self.close()  # the actors are in the middle of something nobody waits for
            raise
        return too_large

    def close(self, why: BaseException | None = None) -> None:
        """Lets the actors go; others are asked for when there is work."""
        with self._calling:
            line, self._line = self._line, None
        if line is not None:
            line.close()

    def _shipped(self, line: Line) -> str | None:
        """Returns the key of the adapter in use; its files go to the cluster before its first use.

        They need not lie in a folder that all machines see.
        """
        if self.adapter is None:
            return None
        found = sorted(file for pattern in _FILES for file in self.adapter.glob(pattern))
        stamp = repr([(str(f.resolve()), f.stat().st_mtime_ns, f.stat().st_size) for f in found])
        key = hashlib.sha256(stamp.encode()).hexdigest()[:16]
        line.ship(key, lambda: {file.name: file.read_bytes() for file in found})
        return key
