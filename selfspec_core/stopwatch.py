"""Where the time of a run goes: by step, and within each step inside model calls and outside.

Every instant counts for one step alone, the innermost, so the steps add up to what was timed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

IMPORTS = "imports"
STEPS = (
    IMPORTS,
    "prepare",
    "load",
    "propose",
    "answer",
    "filter",
    "generic",
    "train",
    "pairs",
    "controls",
    "evaluate",
    "report",
)
"""Steps in the order of tables; `prepare` reads plugins, seeds and items, and builds the firewall.
"""

_CALLS = ("generate", "loglikelihood", "use_adapter", "train_all", "prefer")
"""Methods of models and trainers that are model calls."""

_running: ContextVar[Stopwatch | None] = ContextVar("running", default=None)


class Stopwatch:
    """Adds up wall seconds.

    Attributes:
        seconds: by step.
        in_calls: by step, what of it was spent inside model calls.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.in_calls: dict[str, float] = {}
        self._stack: list[tuple[str, bool]] = []
        self._since, self._thread = 0.0, threading.get_ident()

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds the wall time of a block to a step, instead of to the step around it."""
        with self._in(step, called=False):
            yield

    def in_model(self) -> AbstractContextManager[None]:
        """Counts a block as one model call of the step under way: threads work in it."""
        watch = _running.get() or self
        return watch._in(watch._step, called=True)

    @property
    def _step(self) -> str:
        return self._stack[-1][0] if self._stack else "other"

    @contextmanager
    def _in(self, step: str, *, called: bool) -> Iterator[None]:
        token = None if self._stack else _running.set(self)
        self._turn()
        self._stack.append((step, called))
        try:
            yield
        finally:
            self._turn()
            self._stack.pop()
            if token is not None:
                _running.reset(token)

    def _turn(self) -> None:
        """Books the time since the last turn."""
        now = time.perf_counter()
        if self._stack:
            step, called = self._stack[-1]
            self.add(step, now - self._since, called=called)
        self._since = now

    def add(self, step: str, seconds: float, *, called: bool = False) -> None:
        """Adds seconds that were measured elsewhere; `called`: they were spent in model calls."""
        self.seconds[step] = self.seconds.get(step, 0.0) + seconds
        if called:
            self.in_calls[step] = self.in_calls.get(step, 0.0) + seconds

    def observe(self, *parts: object) -> None:
        """Counts the calls of models and trainers from now on, for the step that makes them.

        The methods are wrapped on the object, which stays of its class: trainers ask for that. An
        object that another stopwatch observed is observed by this one instead.
        """
        for part in parts:
            for name in _CALLS:
                if method := getattr(part, name, None):
                    setattr(part, name, self._counted(method))

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        call = getattr(method, "uncounted", method)

        @wraps(call)
        def counted(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:  # its time is that of who waits for it
                return call(*arguments, **named)
            with self._in(self._step, called=True):
                made = call(*arguments, **named)
            return self._stepwise(made) if isinstance(made, Iterator) else made

        counted.uncounted = call  # type: ignore[attr-defined]
        return counted

    def _stepwise(self, made: Iterator[Any]) -> Iterator[Any]:
        """Counts what an iterator takes for each of its values."""
        while True:
            with self._in(self._step, called=True):
                try:
                    one = next(made)
                except StopIteration:
                    return
            yield one


@contextmanager
def importing() -> Iterator[None]:
    """Counts a block that imports a large library for the step `imports` of the run under way."""
    watch = _running.get()
    if watch is None:
        yield
        return
    with watch.timed(IMPORTS):
        yield


def totals(timings: dict[str, float], in_calls: dict[str, float], seconds: float) -> dict[str, Any]:
    """Returns a breakdown as `show` prints it.

    Args:
        timings: seconds by step.
        in_calls: what of them was spent inside model calls.
        seconds: of the whole run.

    Returns:
        `steps`: by step, `other` among them, `seconds` and `in_model_calls`, in the order of
        `STEPS`; `in_model_calls`; `outside`: what is neither that nor imports nor loading; and
        `outside_share`: its part of the time without imports and loading, None without any.
    """
    rest = round(seconds - sum(timings.values()), 2)
    steps = {**timings, **({"other": rest} if rest > 0.05 else {})}
    order = [*(step for step in STEPS if step in steps), *(s for s in steps if s not in STEPS)]
    aside = sum(timings.get(step, 0.0) for step in (IMPORTS, "load"))
    inside, working = sum(in_calls.values()), max(sum(steps.values()) - aside, 0.0)
    outside = max(working - inside, 0.0)
    return {
        "steps": {
            step: {"seconds": steps[step], "in_model_calls": in_calls.get(step, 0.0)}
            for step in order
        },
        "in_model_calls": round(inside, 2),
        "outside": round(outside, 2),
        "outside_share": round(outside / working, 4) if working else None,
    }
