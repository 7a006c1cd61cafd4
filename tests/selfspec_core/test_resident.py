"""One of two local models in memory at a time: the one that writes, or the one that is tuned."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar

import pytest
from loops import PREFER, finish, request

from selfspec_core.assembly.assemble import assemble
from selfspec_core.config import ModelSettings
from selfspec_core.manifest import new_manifest
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.specialists import Specialist
from selfspec_plugins.scripted import Scripted

GENERIC = {"evaluation": {"controls": ["seeds-only", "generic"]}}


class Heavy(Scripted):
    """Scripted, with weights that are in memory or not."""

    loaded: ClassVar[list[str]] = []
    most: ClassVar[int] = 0

    def __init__(self, label):
        super().__init__(ModelSettings(name="scripted"))
        self.label = label

    @property
    def capabilities(self):
        return replace(super().capabilities, adapters=True)

    def load(self):
        super().load()
        if self.label not in self.loaded:
            self.loaded.append(self.label)
        Heavy.most = max(Heavy.most, len(self.loaded))

    def unload(self):
        super().unload()
        if self.label in self.loaded:
            self.loaded.remove(self.label)

    def generate(self, *given, **named):
        assert self.loaded == [self.label]
        return super().generate(*given, **named)

    def describe(self):
        assert self.loaded == [self.label]
        return {"name": self.label}


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_second_local_model_makes_room(tmp_path, monkeypatch, rounds):
    monkeypatch.setattr(Heavy, "loaded", [])
    monkeypatch.setattr(Heavy, "most", 0)
    assembly = assemble(
        request(PREFER, GENERIC, {"rounds": {"max": rounds, "margin": 0.0}}), Silent()
    )
    assembly.context.model = Heavy("writes")
    assembly.parts = replace(assembly.parts, training_model=Heavy("tuned"))
    run = Run.create(tmp_path / "run", new_manifest(assembly, {"domain": "finance"}))
    finish(run, assembly)
    assert Heavy.most == 1
    commits = (tmp_path / "run/round-1/commits.jsonl").read_text().splitlines()
    loads = [c["is"]["name"] for c in map(json.loads, commits) if c["stage"] == "load"]
    assert loads == ["writes", "tuned"]
    tuned = Specialist(tmp_path / "run", 1, *[None] * 7).tuned_on("scripted")
    assert tuned == {"name": "tuned"}
