"""The far side without Ray: what it refuses, what it writes."""

from __future__ import annotations

import json
import pickle
import platform
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from selfspec_core.config import ModelSettings
from selfspec_core.model_types import Sampling
from selfspec_plugins.on_ray.actor import Actor, likeness
from selfspec_plugins.scripted import Scripted, _continued

SETTINGS = ModelSettings(name="scripted")
PROMPTS = ["Task: a\nText: b\nAnswer:"] * 3
QUESTION = pickle.dumps((_continued, (PROMPTS, [0, 1, 2], Sampling())))


def test_a_model_that_is_the_same_answers():
    actor = Actor(Scripted, SETTINGS, likeness(Scripted().describe()))
    place, problem = actor.ready()
    assert place and problem == ""
    state, (texts, advanced) = actor.answer(QUESTION, None, [])
    assert (state, len(texts), advanced) == ("done", 3, 3)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"model": {"name": "scripted", "dtype": "float32"}}, "model.dtype is None, and 'float32'"),
        ({"python": "3.10.0"}, f"python is {platform.python_version()!r}, and '3.10.0'"),
    ],
)
def test_what_differs_is_named(other, said):
    alike = likeness(Scripted().describe())
    actor = Actor(Scripted, SETTINGS, {**alike, **other})
    assert actor.ready()[1] == f"{said} where the run is"


def test_a_model_that_cannot_be_loaded_is_named(tmp_path):
    nowhere = SETTINGS.model_copy(update={"path": tmp_path / "nowhere.jsonl"})
    assert "nowhere.jsonl" in Actor(Scripted, nowhere, {}).ready()[1]


def test_an_adapter_is_fetched_once_and_removed_at_the_end(monkeypatch):
    fetched = []

    def get(reference):
        fetched.append(reference)
        rows = [{"asked": "b", "output": "seen"}]
        return {"memory.json": json.dumps(rows).encode()}

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=get))
    actor = Actor(Scripted, SETTINGS, likeness(Scripted().describe()))
    for _ in range(2):
        assert actor.answer(QUESTION, "key", ["reference"])[1][0] == ["seen"] * 3
    assert fetched == ["reference"]
    assert actor.answer(QUESTION, None, [])[1][0] != ["seen"] * 3
    folder = actor._folder.name
    actor.close()
    assert not Path(folder).exists()


def test_what_goes_wrong_is_said_and_not_raised():
    broken = pickle.dumps((_continued, (PROMPTS, None, Sampling())))
    actor = Actor(Scripted, SETTINGS, likeness(Scripted().describe()))
    state, text = actor.answer(broken, None, [])
    assert state == "failed" and text.startswith("TypeError")
