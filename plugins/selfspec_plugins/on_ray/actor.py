"""The far side: a model on some machine of the cluster."""

from __future__ import annotations

import pickle
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selfspec_core.components import Model
from selfspec_core.config import ModelSettings
from selfspec_core.provenance import describe_machine, differences


class Actor:
    """Loads the model from the settings, then answers questions about it.

    Args:
        expected: what the model and the libraries have to be like for the same answers.
    """

    def __init__(
        self, model: type[Model], settings: ModelSettings, expected: dict[str, Any]
    ) -> None:
        self._folder = TemporaryDirectory(prefix="selfspec-adapters-")
        self._problem = ""
        try:
            self._model: Any = model(settings)
            self._model.load()
            found = likeness(self._model.describe())
            for key, there, here in differences(expected, found):
                self._problem = f"{key} is {here!r}, and {there!r} where the run is"
                break
        except Exception as error:
            self._problem = str(error).splitlines()[0] if str(error) else type(error).__name__

    def ready(self) -> tuple[str, str]:
        """Returns the machine's name, and what makes the model there unfit or ""."""
        return socket.gethostname(), self._problem

    def answer(self, question: bytes, key: str | None, files: list[Any]) -> tuple[str, Any]:
        """Answers a packed question; see `lane_worker.answer`.

        Args:
            key: of the adapter to use, or None for the base.
            files: where the adapter's files are, if one is used: a reference in Ray's store.

        Returns:
            "done", the answer and how far the progress has come; or another state and why.
        """
        from selfspec_plugins.local.lane_worker import answer

        advanced = 0

        def say(state: str, done: int) -> None:
            nonlocal advanced
            advanced += done

        folder = self._unpacked(key, files[0]) if key else None
        state, value = answer(self._model, pickle.loads(question), folder, say)
        return state, (value, advanced) if state == "done" else value

    def close(self) -> None:
        """Removes what it has written."""
        self._folder.cleanup()

    def _unpacked(self, key: str, reference: Any) -> Path:
        folder = Path(self._folder.name) / key
        if not folder.exists():
            import ray

            folder.mkdir()
            for name, data in ray.get(reference).items():
                (folder / name).write_bytes(data)
        return folder


def likeness(described: dict[str, Any]) -> dict[str, Any]:
    """Returns what has to be alike wherever a model answers: itself and the libraries."""
    machine = describe_machine()
    return {"model": described, "python": machine["python"], "version": machine["versions"]}
