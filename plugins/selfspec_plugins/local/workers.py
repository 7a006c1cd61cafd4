"""Processes that have the model too; `lane_worker` is their side of the conversation."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from selfspec_core.components import Model
from selfspec_core.config import ModelSettings
from selfspec_core.errors import SelfspecError
from selfspec_plugins.local.memory import OutOfMemory

GRACE = 20.0
"""Seconds that a worker has to keep where a training stands; Slurm gives 30 to 60 in all."""

Advance = Callable[[int], None]
Question = tuple[str | Callable[..., Any], tuple[Any, ...]]
"""A method of `Engine`, or a function that takes the model first; and its arguments, without
`Advance`, which comes last."""


class Gone(Exception):
    """A worker ended by itself, or never came to load the model."""


class Worker:
    """A process that has the model too; `lane_worker` is its side of the conversation.

    Attributes:
        name: what messages call it.
        lock: held by the thread that talks to it.
    """

    def __init__(
        self,
        model: type[Model],
        settings: ModelSettings,
        environment: Mapping[str, str],
        name: str = "a second process",
    ) -> None:
        self.name = name
        paths = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "selfspec_plugins.local.lane_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **paths, **environment},
            process_group=0,  # Ctrl-C in the terminal is for who asks, who then ends this one
        )
        self.lock, self._ready = threading.Lock(), False
        self._say((model, settings))

    def wait_until_ready(self) -> None:
        """Returns when the model is loaded.

        Raises:
            Gone: if it could not be.
        """
        if not self._ready:
            state, text = self._hear()
            if state != "ready":
                raise Gone(text)
            self._ready = True

    def run(self, question: Question, adapter: Path | None, advance: Advance) -> Any:
        """Returns what the worker's engine makes of a question.

        Raises:
            OutOfMemory: if it was too much.
            Gone: if the process has ended.
            SelfspecError: with what went wrong.
        """
        self._say((question, adapter))
        while True:
            state, value = self._hear()
            if state == "advance":
                advance(value)
            elif state == "memory":
                raise OutOfMemory
            elif state == "failed":
                raise SelfspecError(f"in {self.name}: {value}")
            else:
                return value

    def ask_to_end(self) -> None:
        """Sends SIGTERM: a training keeps where it stands, anything else ends at once."""
        self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Waits for its end, but not longer."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def close(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.wait()

    def _say(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Gone(f"code {self._process.wait()}") from None

    def _hear(self) -> tuple[str, Any]:
        assert self._process.stdout is not None
        try:
            answer: tuple[str, Any] = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            raise Gone(f"code {self._process.wait()}") from None
        return answer


def end(workers: Sequence[Worker], why: BaseException | None = None) -> None:
    """Ends workers; who is stopped by a person or a signal gives them time to keep what they did.

    Args:
        why: what ended the work that they are in the middle of, if they are.
    """
    if isinstance(why, KeyboardInterrupt):
        for worker in workers:
            worker.ask_to_end()
        latest = time.monotonic() + GRACE
        for worker in workers:
            worker.wait(max(0.0, latest - time.monotonic()))
    for worker in workers:
        worker.close()
