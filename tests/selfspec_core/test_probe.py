"""Answerability: a probe in the middle of collecting, and a kill around it loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from whole_runs import Killed, fingerprint, make, rows

from selfspec_core import Context, Example, Model, UsageError
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.config import Settings
from selfspec_core.journals import RoundFolder
from selfspec_core.pipeline import run_rounds
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.stages.probe import STAGE
from selfspec_core.stages.tuning import trained
from selfspec_plugins.answerability import Answerability, AnswerabilitySettings

ORDER = [
    *("well_formed", "parts", "length", "novelty", "well_formed_answer", "grounded"),
    *("length_outliers", "answerability", "balance"),
]
PROBED = (
    {"data": {"size": 30}, "propose": {"batch": 16}, "answer": {"batch": 8}},
    {"evaluation": {"resamples": 100, "controls": []}},
    {"filters": {"order": ORDER, "answerability": {"slice": 0.4}}},
)
REQUEST = Request("finance", model="scripted", set=PROBED)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "whole"
    make(path, request=REQUEST)
    return path


def test_the_probe_is_tuned_on_the_first_examples(whole: Path) -> None:
    commits, examples = rows(whole, "commits"), rows(whole, "examples")
    (at,) = [n for n, commit in enumerate(commits) if commit["stage"] == STAGE]
    assert {commit["stage"] for commit in commits[:at]} == {"load", "plan", "propose", "answer"}
    assert "answer" in {commit["stage"] for commit in commits[at:]}
    memory = json.loads((whole / "round-1/probe/memory.json").read_text())
    first = [f"{row['instruction']} {row['input']}" for row in examples[:12]]
    assert [row["asked"] for row in memory][-12:] == first
    assert "probe" not in trained(RoundFolder(whole / "round-1", write=False))


def test_it_is_a_line_of_the_funnel_with_evidence(whole: Path) -> None:
    dropped = [row for row in rows(whole, "rejected") if row["filter"] == "answerability"]
    scores = json.loads((whole / "round-1/scores.json").read_text())
    assert scores["rejected"]["answerability"] == len(dropped) > 0
    assert all(row["reason"] == "not answered alike in 3 tries" for row in dropped)
    assert all(row["evidence"] and row["output"] for row in dropped)
    probed = next(c for c in rows(whole, "commits") if c["stage"] == STAGE)
    before = probed["sizes"]["rejected.jsonl"]
    early = (whole / "round-1/rejected.jsonl").read_bytes()[:before]
    assert b'"filter": "answerability"' not in early  # the first slice is not judged
    assert scores["accepted"] == len(rows(whole, "examples"))  # data.size counts what is left


def test_killed_at_any_commit_and_resumed_gives_the_same_bytes(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = rows(whole, "commits")
    (probed,) = [n for n, commit in enumerate(commits) if commit["stage"] == STAGE]
    last = max(n for n, commit in enumerate(commits) if commit["stage"] == "answer")
    real = RoundFolder.commit
    for survive in (probed - 1, probed, probed + 1, last):
        path = tmp_path / f"killed-{survive}"

        def commit(self, *args, survive=survive, **notes):
            if len(self.commits) >= survive:
                raise Killed
            real(self, *args, **notes)

        monkeypatch.setattr(RoundFolder, "commit", commit)
        with pytest.raises(Killed):
            make(path, request=REQUEST)
        monkeypatch.setattr(RoundFolder, "commit", real)
        run = Run.open(path, write=True)
        assembly = assemble(REQUEST, Silent())
        run_rounds(run, assembly.parts, assembly.context)
        run.close()
        assert fingerprint(path) == fingerprint(whole), f"killed before commit {survive}"


class Forgetful(Model):
    name, summary = "forgetful", "answers rightly at the third try, and only with an adapter"

    def __init__(self) -> None:
        super().__init__()
        self.adapter, self.asked, self.temperatures = None, 0, []

    def use_adapter(self, path):
        self.adapter = path

    def generate(self, prompts, sampling, progress=None):
        assert self.adapter == Path("probe")
        self.temperatures.append(sampling.temperature)
        return [" up\n" if len(self.temperatures) == 3 else " down"] * len(prompts)


def judged(tries, probe=Path("probe"), output="up"):
    model = Forgetful()
    context = Context("d", model, Settings(), (), probe=probe)
    row = Example("e", "t", "classification", "Tone?", "It rose.", output, 1, 0, ("up", "down"))
    verdicts = Answerability(AnswerabilitySettings(tries=tries)).judge([row, row], context)
    assert len(verdicts) == 2 and model.adapter is None
    return verdicts[0], model.temperatures


def test_one_of_the_tries_has_to_agree() -> None:
    verdict, temperatures = judged(tries=3)
    assert verdict.keep and temperatures == [0, 0.7, 0.7]
    verdict, _ = judged(tries=2)
    assert (verdict.keep, verdict.reason) == (False, "not answered alike in 2 tries")
    assert verdict.evidence == "down"


def test_without_a_probe_everything_is_kept() -> None:
    verdict, temperatures = judged(tries=3, probe=None)
    assert verdict.keep and not temperatures


def test_where_nothing_can_be_tuned_it_is_refused() -> None:
    order = {"filters": {"order": ["well_formed", "answerability"]}}
    with pytest.raises(UsageError, match="filters.order: 'answerability' asks the model that"):
        request = Request("finance", model="scripted", set=(order, {"training": {"model": "nano"}}))
        assemble(request, Silent())
