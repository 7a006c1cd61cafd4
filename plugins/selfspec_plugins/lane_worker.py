"""The far side of `lanes.Worker`: loads the model, then answers questions until nobody asks."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO


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

    from selfspec_plugins.transformers_model import TransformersModel

    model = TransformersModel(questions.get())
    try:
        model.load()
    except Exception as error:
        say("failed", f"{type(error).__name__}: {error}")
        return
    say("ready")
    while True:
        question, adapter = questions.get()
        say(*_answer(model, question, adapter, say))


def _listen(source: BinaryIO, questions: queue.SimpleQueue[Any]) -> None:
    """Passes on what comes; the process ends at once when the other one has."""
    while True:
        try:
            questions.put(pickle.load(source))
        except (EOFError, pickle.UnpicklingError):
            os._exit(0)


def _answer(
    model: Any, question: tuple[str, tuple[Any, ...]], adapter: Any, say: Callable[..., None]
) -> tuple[str, Any]:
    import torch

    method, arguments = question
    try:
        model.use_adapter(adapter)
        with torch.inference_mode():
            answer = getattr(model.engine, method)(*arguments, lambda done: say("advance", done))
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return "memory", None
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"
    return "done", answer


if __name__ == "__main__":
    main()
