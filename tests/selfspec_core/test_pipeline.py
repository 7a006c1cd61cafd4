"""Whole runs with the scripted model; a kill at any commit loses nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from whole_runs import SMALL, Killed, fingerprint, finish, make, rows

from selfspec_core import SelfspecError, provenance
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.journals import RoundFolder
from selfspec_core.progress import Silent
from selfspec_core.provenance import check_same, conditions
from selfspec_core.runs import Run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "whole"
    make(path)
    return path


def test_every_proposal_is_accounted_for(whole: Path) -> None:
    scores = json.loads((whole / "round-1/scores.json").read_text())
    instructions, rejected = rows(whole, "instructions"), rows(whole, "rejected")
    early = [row for row in rejected if "output" not in row]
    assert scores["proposed"] == len(instructions) + len(early)
    assert scores["proposed"] % 16 == 0
    assert scores["accepted"] == 60 == len(rows(whole, "examples"))
    assert all(row["reason"] and row["filter"] for row in rejected)


def test_tasks_are_balanced(whole: Path) -> None:
    tasks = Counter(row["task"] for row in rows(whole, "examples"))
    assert len(tasks) >= 7
    assert max(tasks.values()) <= 0.25 * 60


def test_scores_have_all_systems_and_gains(whole: Path) -> None:
    own = json.loads((whole / "round-1/scores.json").read_text())["sets"]["finance"]
    assert list(own["systems"]) == [
        "base@0",
        "base-best@0",
        "base@5",
        "seeds-only@0",
        "seeds-only-long@0",
        "specialized@0",
    ]
    for other in ("base@0", "base-best@0", "seeds-only@0", "seeds-only-long@0"):
        gain = own["gains"][f"specialized@0 - {other}"]
        assert gain["low"] <= gain["mean"] <= gain["high"]
    base, ours = own["systems"]["base@0"], own["systems"]["specialized@0"]
    assert ours["macro"] > base["macro"]
    assert base["n"] == 360 == sum(own["sizes"].values())
    assert own["sizes"].keys() == base["tasks"].keys()


def test_same_settings_same_bytes(whole: Path, tmp_path: Path) -> None:
    make(tmp_path / "again")
    assert fingerprint(tmp_path / "again") == fingerprint(whole)


def test_killed_at_any_commit_and_resumed_gives_the_same_bytes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = len(rows(whole, "commits"))
    real = RoundFolder.commit
    for survive in range(0, total, 3):
        path = tmp_path / f"killed-{survive}"

        def commit(self, *args, survive=survive, **notes):
            if len(self.commits) >= survive:
                # Part of the batch has reached the disk, its commit has not.
                with (self.path / "rejected.jsonl").open("ab") as file:
                    file.write(b'{"id": "torn')
                with (self.path / "commits.jsonl").open("ab") as file:
                    file.write(b'{"stage": "pro')
                raise Killed
            real(self, *args, **notes)

        monkeypatch.setattr(RoundFolder, "commit", commit)
        with pytest.raises(Killed):
            make(path)
        monkeypatch.setattr(RoundFolder, "commit", real)
        run = Run.open(path, write=True)
        request = Request("finance", model="scripted", set=SMALL)
        finish(run, assemble(request, Silent()))
        assert fingerprint(path) == fingerprint(whole), f"killed before commit {survive}"


def test_the_control_takes_as_many_steps_as_the_specialist_also_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = ({"data": {"size": 0}}, {"training": {"epochs": 0.5, "batch": 20}})
    make(tmp_path / "whole", *half)
    commits = rows(tmp_path / "whole", "commits")
    made = {one["trained"]["system"]: one["trained"] for one in commits if "trained" in one}
    batches = -(-made["specialized"]["rows"] // 20)
    assert batches % 4 == 1  # so half of it is rounded to the even number below
    assert made["seeds-only-long"]["steps"] == made["specialized"]["steps"] == batches // 2
    real = RoundFolder.commit

    def commit(self, *args, **notes):
        if notes.get("trained", {}).get("system") == "seeds-only":
            raise Killed
        real(self, *args, **notes)

    monkeypatch.setattr(RoundFolder, "commit", commit)
    with pytest.raises(Killed):
        make(tmp_path / "killed", *half)
    monkeypatch.setattr(RoundFolder, "commit", real)
    request = Request("finance", model="scripted", set=(*SMALL, *half))
    finish(Run.open(tmp_path / "killed", write=True), assemble(request, Silent()))
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")


def test_resume_refuses_changed_settings(whole: Path) -> None:
    request = Request("finance", model="scripted", set=(*SMALL, {"data": {"size": 61}}))
    manifest = json.loads((whole / "manifest.json").read_text())
    with pytest.raises(SelfspecError, match="settings"):
        check_same(manifest, assemble(request, Silent()))


def test_resume_refuses_a_changed_script(tmp_path: Path) -> None:
    script = tmp_path / "script.jsonl"
    line = {"instruction": "Name the mood.", "input": "Sales rose at the mill.", "output": "good"}
    script.write_text(json.dumps(line))
    request = Request(
        "finance", set=({"model": {"name": "scripted", "path": str(script)}}, {"data": {"size": 9}})
    )
    before = {"conditions": conditions(assemble(request, Silent()))}
    check_same(before, assemble(request, Silent()))
    script.write_text(json.dumps(line | {"output": "glad"}))  # as long as before
    with pytest.raises(SelfspecError, match="cannot resume: model files changed from"):
        check_same(before, assemble(request, Silent()))


@pytest.mark.parametrize("changed", ["config.json", "sub/weights.safetensors"])
def test_resume_refuses_changed_weights(tmp_path: Path, changed: str) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("config.json", "sub/weights.safetensors", "README.md"):
        (tmp_path / name).write_text("a")
    model = SimpleNamespace(settings=SimpleNamespace(path=tmp_path))
    assembly = SimpleNamespace(models=[model])
    before = provenance._models_digest(assembly)
    (tmp_path / "README.md").write_text("b")
    assert provenance._models_digest(assembly) == before
    (tmp_path / changed).write_text("b")
    assert provenance._models_digest(assembly) != before


def test_nothing_accepted_is_loud(tmp_path: Path) -> None:
    with pytest.raises(SelfspecError) as error:
        make(tmp_path / "none", {"filters": {"length": {"min_input_words": 300}}})
    lines = str(error.value).splitlines()
    assert lines[0].startswith("0 of ") and "accepted" in lines[0]
    assert 1 <= len(lines) - 1 <= 3
    assert "length" in lines[1] and "for example" in lines[1]


def test_two_writers_are_refused(whole: Path) -> None:
    first = Run.open(whole, write=True)
    try:
        with pytest.raises(SelfspecError, match="in use by"):
            Run.open(whole, write=True)
        Run.open(whole)
    finally:
        first.close()


def test_adhoc_domain_from_a_file_of_seeds(tmp_path: Path) -> None:
    seeds = tmp_path / "mine.jsonl"
    lines = [
        {
            "id": f"s{n}",
            "task": "weather",
            "kind": "open_qa",
            "instruction": f"Say what day {n} was like.",
            "input": f"On day number {n} the wind over station {n * 7} turned and rain set in.",
            "output": "wet",
        }
        for n in range(8)
    ]
    seeds.write_text("\n".join(map(json.dumps, lines)))
    request = Request(None, model="scripted", seeds=str(seeds), set=({"data": {"size": 10}},))
    make(tmp_path / "adhoc", request=request)
    assert len(rows(tmp_path / "adhoc", "examples")) == 10
