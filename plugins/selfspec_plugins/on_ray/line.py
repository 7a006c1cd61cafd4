"""This side of the process that talks to Ray.

Ray takes over the process that it connects: it sets signal handlers, prints, and ends it when the
cluster is lost for good. So that process is another one (`foreman`), and whatever becomes of it is
one line here.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from selfspec_core.components import Model
from selfspec_core.config import ExecutorSettings, ModelSettings
from selfspec_core.errors import UsageError
from selfspec_core.privacy import no_telemetry
from selfspec_plugins.local.workers import Question

Begin = tuple[type[Model], ModelSettings, dict[str, Any], ExecutorSettings, int]
"""The model, its settings, what it has to be like, where it works, its threads."""
Reply = tuple[int, str, Any]
"""Number of the question, "done", "memory" or "failed", and the answer or why."""

FOREMAN = ("-m", "selfspec_plugins.on_ray.foreman")


class Line:
    """Questions go out, replies come back to whoever asked; several threads may ask.

    Args:
        note: is told, in a line, what happens on the cluster.
    """

    def __init__(self, begin: Begin, note: Callable[[str], None]) -> None:
        no_telemetry()  # from the process that connects, nor from a cluster that it starts
        paths = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        self._process = subprocess.Popen(
            [sys.executable, *FOREMAN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # Ray's own log is in its session's folder
            env={**os.environ, **paths},
        )
        self._note, self._address = note, begin[3].address or "auto"
        self._writing, self._waiting = threading.Lock(), dict[int, tuple[int, Any]]()
        self._asked, self._shipped, self._lost = 0, set[str](), ""
        self._say(begin)

    def wait_until_connected(self) -> int:
        """Returns how many actors there may be.

        Raises:
            UsageError: if there is no such cluster.
        """
        state, value = self._hear()
        if state != "connected":
            self.close()
            raise UsageError(f"--executor ray: {value}")
        threading.Thread(target=self._listen, daemon=True).start()
        return int(value)

    def ship(self, key: str, read: Callable[[], dict[str, bytes]]) -> None:
        """Sends the files of an adapter, unless they are there already."""
        with self._writing:
            if key not in self._shipped:
                self._shipped.add(key)
                self._say(("adapter", key, read()))

    def ask(
        self, question: Question, adapter: str | None, number: int, replies: SimpleQueue[Reply]
    ) -> None:
        """Asks; the reply is put into `replies` under `number`."""
        packed = pickle.dumps(question)  # the foreman need not know what is in it
        with self._writing:
            self._asked += 1
            self._waiting[self._asked] = number, replies
            if self._lost:
                self._give_up()
            else:
                self._say(("question", self._asked, (packed, adapter)))

    def close(self) -> None:
        """Ends the process; Ray ends the actors of one that has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        """Hands replies to who waits for them until the process has ended."""
        while True:
            state, value = self._hear()
            if state == "note":
                self._note(value)
                continue
            with self._writing:
                if state == "lost":
                    self._lost = value
                    return self._give_up()
                asked, said, answer = value
                number, replies = self._waiting.pop(asked)
            replies.put((number, said, answer))

    def _give_up(self) -> None:
        for number, replies in self._waiting.values():
            replies.put((number, "failed", self._lost))
        self._waiting.clear()

    def _say(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin)
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):  # it has ended, or was closed: `_hear` says so
            pass

    def _hear(self) -> tuple[str, Any]:
        assert self._process.stdout is not None
        try:
            heard: tuple[str, Any] = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError, ValueError, OSError):
            code = self._process.wait()
            return "lost", (
                f"the cluster ({self._address}) is gone, code {code}; nothing is lost: "
                "`selfspec resume` goes on when it is back, or with --executor local"
            )
        return heard
