"""Who answers which question: each worker takes the next one, and what a lost one had is put back.

Knows nothing of Ray; `foreman` hires its actors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

TRIES = 3
"""Workers that may be lost over one question, or before one is ready, until it is given up."""


class Lost(Exception):
    """A worker is gone, with what it was asked."""


class Broken(Exception):
    """A worker cannot be used, nor would another one be of use."""


class Hired(Protocol):
    """A worker on another machine."""

    async def ready(self) -> str:
        """Returns where it is, once it can be asked.

        Raises:
            Lost: if it is gone.
            Broken: if it is of no use.
        """

    async def answer(self, question: Any) -> tuple[str, Any]:
        """Returns the state and the value of the reply.

        Raises:
            Lost: if it is gone.
        """

    def end(self) -> None:
        """Lets it go."""


@dataclass(order=True)
class Job:
    """A question, in the order of asking."""

    number: int
    question: Any = field(compare=False)
    lost: int = field(default=0, compare=False)


class Crew:
    """A number of workers, each replaced when it is lost.

    Args:
        hire: asks for a worker.
        say: is told ("reply", (number, state, value)) and ("note", text).
        patience: seconds with questions and without any worker until they are given up.
        wanted: what a worker needs and what there is, for the message.
    """

    def __init__(
        self,
        hire: Callable[[], Hired],
        count: int,
        say: Callable[[str, Any], None],
        patience: float,
        wanted: Callable[[], str],
    ) -> None:
        self._hire, self._count, self._say = hire, count, say
        self._patience, self._wanted = patience, wanted
        self._jobs: asyncio.PriorityQueue[Job] = asyncio.PriorityQueue()
        self._open: dict[int, Job] = {}
        self._working = 0
        self._problem = ""
        self._tasks: list[asyncio.Task[None]] = []

    def ask(self, number: int, question: Any) -> None:
        """Has a question answered; the first one brings the workers up."""
        if not self._tasks:
            lives: list[Awaitable[None]] = [self._post() for _ in range(self._count)]
            self._tasks = [asyncio.ensure_future(life) for life in (*lives, self._wait())]
        job = self._open[number] = Job(number, question)
        self._jobs.put_nowait(job)
        if self._problem:
            self._give_up(self._problem)

    async def _post(self) -> None:
        """Is one worker after the other."""
        lost, why = 0, ""
        while lost < TRIES and not self._problem:
            worker, place = self._hire(), ""
            try:
                place = f" on {await worker.ready()}"
                lost = 0
                await self._work(worker)
            except Lost as gone:
                lost, why = lost + 1, str(gone)
                self._say("note", f"an actor{place} is gone ({why}); another is asked for")
            except Broken as broken:
                self._give_up(str(broken))
            finally:
                worker.end()
        if not self._problem and not self._working:
            self._give_up(f"no actor stays: {why} (each node needs what is installed here)")

    async def _work(self, worker: Hired) -> None:
        """Has a worker answer one question after the other, until it is lost."""
        self._working += 1
        try:
            while True:
                await self._next(worker)
        finally:
            self._working -= 1

    async def _next(self, worker: Hired) -> None:
        job = await self._jobs.get()
        if job.number not in self._open:  # given up meanwhile
            return
        try:
            state, value = await worker.answer(job.question)
        except Lost as gone:
            job.lost += 1
            if job.lost < TRIES:
                self._jobs.put_nowait(job)
            else:
                why = f"a batch ended {TRIES} actors, the last with: {gone}"
                self._reply(job.number, "failed", why)
            raise
        self._reply(job.number, state, value)

    async def _wait(self) -> None:
        """Gives up when there has been nobody to ask for too long."""
        idle, step = 0.0, min(1.0, self._patience)
        while not self._problem:
            await asyncio.sleep(step)
            idle = 0.0 if self._working or not self._open else idle + step
            if idle >= self._patience:
                self._give_up(f"no actor for {self._patience:g} s: {self._wanted()}")

    def _reply(self, number: int, state: str, value: Any) -> None:
        if self._open.pop(number, None):
            self._say("reply", (number, state, value))

    def _give_up(self, why: str) -> None:
        """Answers everything that is asked, and will be, with what went wrong."""
        self._problem = why
        for number in list(self._open):
            self._reply(number, "failed", why)
