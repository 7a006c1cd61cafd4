"""The loopback server, and a model that asks it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # for `loopback`


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own key and no proxy; waiting is short."""
    pytest.importorskip("openai")
    from loopback import KEY

    from selfspec_plugins.served import gate

    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(gate, "_PAUSE", 0.02)


@pytest.fixture
def asking() -> Iterator[Callable[..., Any]]:
    """Returns `asking(*servers, folder, **settings)`: a loaded model, let go afterwards.

    It waits far longer than any of it takes: a machine may be busy with other things.
    """
    from selfspec_core.config import ModelSettings
    from selfspec_plugins.served.model import Served

    made: list[Served] = []

    def make(*servers: Any, folder: Path | None = None, load: bool = True, **own: Any) -> Served:
        given = {"timeout": 30.0, "patience": 120.0, "base_url": tuple(s.url for s in servers)}
        model = Served(ModelSettings(name="openai", **(given | own)))
        made.append(model)
        if folder is not None:
            model.keep_in(folder)
        if load:
            model.load()
        return model

    yield make
    for model in made:
        model.unload()
