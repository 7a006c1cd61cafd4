"""The far side of `workers.Worker`: loads the model, then answers questions until nobody asks."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from selfspec_plugins.local.memory import free, out_of_memory
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.local.workers import Question


def main() -> None:
    """Reads settings and questions from standard input, writes answers to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks decides when to stop
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    questions: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, questions), daemon=True).start()

    def say(state: str, value: Any = None) -> None:
        pickle.dump((state, value), out)
        out.flush()

    kind, settings = questions.get()
    model = kind(settings)
    try:
        model.load()
    except Exception as error:
        say("failed", f"{type(error).__name__}: {error}")
        return
    say("ready")
    while True:
        question, adapter = questions.get()
        say(*answer(model, question, adapter, say))


def _listen(source: BinaryIO, questions: queue.SimpleQueue[Any]) -> None:
    """Passes on what comes; the process ends at once when the other one has."""
    while True:
        try:
            questions.put(pickle.load(source))
        except BaseException:  # nobody asks any more, or what came cannot be read
            os._exit(0)


def answer(
    model: TransformersModel, question: Question, adapter: Path | None, say: Callable[..., None]
) -> tuple[str, Any]:
    """Returns "done" and the answer, "memory" if it was too much, or "failed" and why.

    Args:
        say: is told ("advance", number) of what is done meanwhile.
    """
    what, arguments = question

    def advance(done: int) -> None:
        say("advance", done)

    try:
        model.use_adapter(adapter)
        if isinstance(what, str):
            import torch

            with torch.inference_mode():
                return "done", getattr(model.engine, what)(*arguments, advance)
        return "done", what(model, *arguments, advance)
    except Exception as error:
        alone = isinstance(what, str) and len(arguments[0]) == 1  # nothing smaller can be asked
        if alone or not out_of_memory(error):
            return "failed", f"{type(error).__name__}: {error}"
    free()
    return "memory", None


if __name__ == "__main__":
    main()
