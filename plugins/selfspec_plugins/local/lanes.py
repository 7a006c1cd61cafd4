"""More than one process with the same model: each takes the next batch when it is free.

What a batch becomes does not depend on who computes it, so the outcome has the same bytes however
many processes there are. The process that asks is one of the lanes; the others are started when
there is first enough to do, and join in as soon as they have loaded the model.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from selfspec_core.components import Model
from selfspec_core.config import ModelSettings
from selfspec_core.progress import Progress
from selfspec_plugins.local.memory import OutOfMemory
from selfspec_plugins.local.workers import Advance, Gone, Question, Worker, end

WORTH = 30_000
"""Tokens asked for before further processes are started; each takes some seconds to load."""

Part = list[int]


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
            self._error = error
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
            if self._error is None and (self._todo or self._at_work):
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
