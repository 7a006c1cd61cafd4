"""More than one process with the same model: each takes the next batch when it is free.

What a batch becomes does not depend on who computes it, so the outcome has the same bytes however
many processes there are. The process that asks is one of the lanes; the others are started when
there is first enough to do, and join in as soon as they have loaded the model.
"""

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
from selfspec_core.progress import Progress

WORTH = 30_000
"""Tokens asked for before further processes are started; each takes some seconds to load."""

GRACE = 20.0
"""Seconds that a worker has to keep where a training stands; Slurm gives 30 to 60 in all."""

Part = list[int]
Advance = Callable[[int], None]
Question = tuple[str | Callable[..., Any], tuple[Any, ...]]
"""A method of `Engine`, or a function that takes the model first; and its arguments, without
`Advance`, which comes last."""


class OutOfMemory(Exception):
    """A batch was too large for the memory of its lane."""


def out_of_memory(error: Exception) -> bool:
    """Says whether an error means that there was too little memory, on a GPU or a CPU."""
    import torch

    known = isinstance(error, torch.OutOfMemoryError | OutOfMemory)
    return known or "can't allocate memory" in str(error)


def free() -> None:
    """Gives memory back that torch keeps for later, where it keeps any."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


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
            [sys.executable, "-m", "selfspec_plugins.lane_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **paths, **environment},
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


class Lanes:
    """This process and its workers.

    Attributes:
        adapter: the folder of the adapter in use, for the workers.
        here: held by the thread that computes in this process.
    """

    def __init__(self, model: type[Model], settings: ModelSettings, count: int) -> None:
        self._model, self.settings, self.count = model, settings, count
        self.adapter: Path | None = None
        self.here = threading.Lock()
        self._workers: list[Worker] = []
        self._asked, self._staffing = 0, threading.Lock()

    @property
    def at_once(self) -> int:
        """How many questions are worked on at the same time."""
        return max(1, self.count)

    def share(
        self,
        parts: Sequence[Part],
        tokens: int,
        here: Callable[[Question, Advance], Any],
        ask: Callable[[Part], Question],
        take: Callable[[Part, Any], None],
        progress: Progress,
    ) -> list[Part]:
        """Works on parts, the first ones first; returns those that memory did not suffice for.

        Once a part was too large none is begun any more, and those not begun are returned too.
        Several threads may ask at the same time.

        Args:
            tokens: how much there is to do; workers are not started for little.
            here: answers a question in this process.
            ask: makes the question of a part.
            take: is given a part and its answer, never two at a time.
        """
        with self._staffing:
            self._asked += tokens
            if not self._workers and self._asked >= WORTH:
                self._workers = [
                    Worker(self._model, self.settings, _visible(self.settings, number))
                    for number in range(1, self.count)
                ]
            workers = list(self._workers)
        return _Shift(self, parts, ask, take, progress).work(here, workers)

    def dismiss(self, worker: Worker) -> None:
        """Goes on without a worker, from now on."""
        with self._staffing:
            if worker in self._workers:  # several threads may have found it gone
                self._workers.remove(worker)
                self.count -= 1
        worker.close()

    def close(self, why: BaseException | None = None) -> None:
        """Ends the workers; they are started again when there is work.

        Args:
            why: what ended the work that they are in the middle of, if they are.
        """
        with self._staffing:
            workers, self._workers = self._workers, []
        end(workers, why)


def _visible(settings: ModelSettings, number: int) -> dict[str, str]:
    """Returns what lets a worker see one GPU alone, where there are several; else nothing."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count < 2 or settings.device not in ("auto", "cuda"):
        return {}
    given = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(count)))
    return {"CUDA_VISIBLE_DEVICES": given.split(",")[number % count]}


class _Shift:
    """One round of work: parts are handed out until none is left."""

    def __init__(
        self,
        lanes: Lanes,
        parts: Sequence[Part],
        ask: Callable[[Part], Question],
        take: Callable[[Part, Any], None],
        progress: Progress,
    ) -> None:
        self._lanes, self._ask, self._take, self._progress = lanes, ask, take, progress
        self._todo, self._too_large = list(reversed(parts)), list[Part]()
        self._at_work = 0
        self._change = threading.Condition()
        self._error: BaseException | None = None

    def work(
        self, here: Callable[[Question, Advance], Any], workers: Sequence[Worker]
    ) -> list[Part]:
        for worker in workers:  # one that is still loading joins later, or finds nothing to do
            threading.Thread(target=self._hand_to, args=(worker,), daemon=True).start()
        try:
            while True:
                with self._lanes.here:
                    self._answer(here)
                with self._change:
                    self._change.wait_for(lambda: not self._at_work or self._error)
                if self._error:
                    raise self._error
                if self._too_large or not self._todo:  # else a worker put its part back
                    break
        except BaseException as error:
            self._todo.clear()
            self._lanes.close(error)  # they are in the middle of something nobody waits for
            raise
        return self._too_large + self._todo[::-1]

    def _hand_to(self, worker: Worker) -> None:
        adapter = self._lanes.adapter
        try:
            with worker.lock:
                worker.wait_until_ready()
                self._answer(lambda question, advance: worker.run(question, adapter, advance))
        except Gone as gone:
            if self._todo or self._at_work:
                self._progress.say(f"a second process with the model is gone ({gone})")
            self._lanes.dismiss(worker)
        except BaseException as error:
            with self._change:
                self._error = error
                self._change.notify_all()

    def _answer(self, answer: Callable[[Question, Advance], Any]) -> None:
        """Answers part after part, until none is left or one was too large.

        What a part counted before it failed is taken back: it is answered anew.
        """
        while True:
            with self._change:
                if not self._todo or self._too_large or self._error:
                    return
                part = self._todo.pop()
                self._at_work += 1
            outcome, put_back = None, self._todo
            counted = 0

            def advance(done: int) -> None:
                nonlocal counted
                counted += done
                self._advance(done)

            try:
                outcome, put_back = answer(self._ask(part), advance), []
            except OutOfMemory:
                put_back = self._too_large
            finally:
                if outcome is None and counted:
                    self._advance(-counted)
                with self._change:
                    put_back.append(part)
                    if outcome is not None:
                        self._take(part, outcome)
                    self._at_work -= 1
                    self._change.notify_all()

    def _advance(self, done: int) -> None:
        with self._change:
            self._progress.advance(done)
