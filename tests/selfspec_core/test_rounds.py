"""Whole runs over rounds with the scripted model: who works, what stops them, what is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loops import PREFER, RENEW, ROUNDS, fingerprint, finish, make, manifest, request, rows, scores

from selfspec_core import UsageError, files, pipeline, runs
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.cli.evaluating import _round_of
from selfspec_core.cli.show import summarize
from selfspec_core.journals import RoundFolder
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.stages import evaluate as evaluating


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("runs") / "kept", ROUNDS)


@pytest.fixture(scope="module")
def renewed(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("runs") / "renewed", ROUNDS, RENEW)


@pytest.mark.parametrize("name", ["kept", "renewed"])
def test_test_items_are_asked_of_the_kept_round_alone(name, kept, renewed):
    path = {"kept": kept, "renewed": renewed}[name]
    said = manifest(path)
    numbers = [one["round"] for one in said["rounds"]]
    assert len(numbers) >= 2
    best = max(said["rounds"], key=lambda one: one["dev"])
    assert said["chosen_round"] == best["round"]
    splits = {
        item.id: item.split
        for one in assemble(Request("finance", model="scripted"), Silent()).parts.sets
        for item in one.items
    }
    for number in numbers:
        own = [row for row in rows(path, number, "predictions") if row["set"] == "finance"]
        asked = {splits[row["item"]] for row in own}
        chosen = number == said["chosen_round"]
        assert ("test" in asked) == chosen and "dev" in asked
        assert bool(scores(path, number)["sets"]) == chosen
        assert (path / f"round-{number}/controls").exists() == chosen


def test_the_base_is_asked_dev_items_once_in_a_run(kept):
    for number in (1, 2):
        systems = {row["system"] for row in rows(kept, number, "predictions")}
        assert ("base[lines]" in systems) == (number == 1)
        assert scores(kept, number)["layouts"] == scores(kept, 1)["layouts"]


def test_manifest_and_show_tell_the_rounds_and_why_they_ended(kept):
    said, shown = manifest(kept), summarize(kept)
    assert said["stopped"].startswith(f"after round {len(said['rounds'])}: ")
    assert shown["stopped"] == said["stopped"]
    for told, one in zip(said["rounds"], shown["rounds"], strict=True):
        assert told["dev"] == one["dev"] and told["diversity"] == one["diversity"]
        assert told["gain"] == one["dev_gain"]
        assert one["dev_gain"]["low"] <= one["dev_gain"]["mean"] <= one["dev_gain"]["high"]
    assert said["rounds"][0]["gain"]["over"] == "base-best@0"
    assert said["rounds"][1]["gain"]["over"] == "round 1"


def test_kept_instructions_are_answered_again_and_renewed_ones_are_new(kept, renewed):
    first, again = rows(kept, 1, "instructions"), rows(kept, 2, "instructions")
    assert [row["id"] for row in again] == [row["id"] for row in first]
    assert {row["round"] for row in again} == {2}
    asked = {(row["instruction"], row["input"]) for row in first}
    assert {(row["instruction"], row["input"]) for row in again} == asked
    before, now = ({r["id"]: r["output"] for r in rows(kept, n, "examples")} for n in (1, 2))
    both = before.keys() & now.keys()
    assert both and all(before[id_] == now[id_] for id_ in both)  # it remembers all it was tuned on
    new = rows(renewed, 2, "instructions")
    assert all(row["id"].startswith("r2-") for row in new)
    old = {row["input"] for row in rows(renewed, 1, "instructions")}
    assert not old & {row["input"] for row in new}


def test_a_specialist_answers_in_its_own_layout_without_demonstrations(kept):
    assert all(row.get("shown") for row in rows(kept, 1, "examples"))
    assert not any(row.get("shown") for row in rows(kept, 2, "examples"))


def test_the_specialist_of_the_round_before_works(tmp_path, monkeypatch):
    adapters = []
    real = pipeline.BySpecialist

    def noted(generator, adapter, model):
        adapters.append(adapter.relative_to(tmp_path))
        return real(generator, adapter, model)

    monkeypatch.setattr(pipeline, "BySpecialist", noted)
    make(tmp_path / "run", {"rounds": {"max": 3, "margin": 0.0}}, RENEW)
    assert adapters == [Path(f"run/round-{number}/adapter") for number in (1, 2)]


def test_who_works_is_a_setting(tmp_path):
    base = {"rounds": {"max": 2, "margin": 0.0, "answerer": "base"}}
    path = make(tmp_path / "base", base)
    assert all(row.get("shown") for row in rows(path, 2, "examples"))
    both = {"rounds": {**ROUNDS["rounds"], **RENEW["rounds"], "max": 2, "proposer": "specialist"}}
    path = make(tmp_path / "both", both)
    assert all(row["id"].startswith("r2-") for row in rows(path, 2, "instructions"))
    with pytest.raises(UsageError, match=r"rounds\.proposer.*rounds\.instructions = 'renew'"):
        assemble(request({"rounds": {"proposer": "specialist"}}), Silent())


def test_added_examples_are_trained_on_with_those_before(tmp_path, kept):
    path = make(tmp_path / "add", ROUNDS, {"rounds": {"max": 2, "collect": "add"}})
    seeds = scores(path, 1)["training"]["specialized"]["rows"] - scores(path, 1)["accepted"]
    both = scores(path, 1)["accepted"] + scores(path, 2)["accepted"]
    assert scores(path, 2)["training"]["specialized"]["rows"] == seeds + both
    alone = scores(kept, 2)
    assert alone["training"]["specialized"]["rows"] == seeds + alone["accepted"]


def test_a_margin_that_cannot_be_reached_stops_after_two(tmp_path):
    path = make(tmp_path / "margin", {"rounds": {"max": 4, "margin": 1.0}})
    assert len(manifest(path)["rounds"]) == 2
    assert "under rounds.margin = 1" in manifest(path)["stopped"]
    assert not (path / "round-3").exists()


def test_the_most_rounds_are_said(tmp_path):
    path = make(tmp_path / "two", ROUNDS, RENEW, {"rounds": {"max": 2}})
    assert manifest(path)["stopped"] == "after round 2: rounds.max = 2"


def test_a_model_that_repeats_itself_is_stopped(tmp_path):
    """Without the novelty filter a script is proposed again line by line: nothing is new."""
    script = tmp_path / "script.jsonl"
    lines = [
        {
            "instruction": f"Say how pit {n} did.",
            "input": f"Shaft {n} of the tin mine brought up {n + 3} carts of grey ore by noon.",
            "output": "up",
        }
        for n in range(6)
    ]
    script.write_text("\n".join(map(json.dumps, lines)))
    extra = (
        {"model": {"path": str(script)}, "propose": {"generator": "self_instruct"}},
        {"filters": {"order": ["well_formed"]}, "data": {"size": 20}},
        {"rounds": {"max": 4, "margin": 0.0, "instructions": "renew", "collateral": 1.0}},
    )
    path = make(tmp_path / "same", *extra)
    said = manifest(path)
    assert len(said["rounds"]) == 2
    assert "0 % of its three-word runs are new" in said["stopped"]


def test_without_dev_items_there_is_one_round(tmp_path):
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
    asked = Request(None, model="scripted", seeds=str(seeds), set=({"data": {"size": 10}}, ROUNDS))
    path = make(tmp_path / "adhoc", asked=asked)
    assert manifest(path)["stopped"] == "after round 1: no dev items to tell rounds apart by"
    assert manifest(path)["chosen_round"] == 1


def test_evaluate_measures_the_chosen_round_not_the_last(kept):
    said = manifest(kept)
    for chosen in (1, 2, None):
        (kept / "manifest.json").write_text(json.dumps(said | {"chosen_round": chosen}))
        expected = chosen or len(said["rounds"])  # one that has not chosen yet: the last
        assert _round_of(str(kept)).path.name == f"round-{expected}"
    (kept / "manifest.json").write_text(json.dumps(said))


class Killed(BaseException):
    """Stands for a kill: nothing may catch it."""


def interrupt(monkeypatch, survive: int) -> None:
    """Kills at the given one of all writes: commits, scores, manifests, adapters' moves."""
    count = 0

    def counted(real):
        def write(*args, **kwargs):
            nonlocal count
            count += 1
            if count > survive:
                raise Killed
            return real(*args, **kwargs)

        return write

    monkeypatch.setattr(RoundFolder, "commit", counted(RoundFolder.commit))
    for module in (evaluating, runs):
        monkeypatch.setattr(module, "write_atomically", counted(files.write_atomically))
    monkeypatch.setattr(pipeline, "write_scores", counted(pipeline.write_scores))


@pytest.mark.parametrize("extra", [(ROUNDS, PREFER), (ROUNDS, RENEW)], ids=["keep", "renew"])
def test_killed_between_and_in_rounds_and_resumed_gives_the_same_bytes(
    extra, tmp_path, monkeypatch
):
    whole = make(tmp_path / "whole", *extra)
    total = sum(len(rows(whole, one["round"], "commits")) for one in manifest(whole)["rounds"])
    assert len(manifest(whole)["rounds"]) >= 2
    for survive in range(2, total + 12, total // 7):
        path = tmp_path / f"killed-{survive}"
        with monkeypatch.context() as patch:
            interrupt(patch, survive)
            try:
                make(path, *extra)
            except Killed:
                pass
            else:
                assert survive > total
        finish(Run.open(path, write=True), assemble(request(*extra), Silent()))
        assert fingerprint(path) == fingerprint(whole), f"killed after write {survive}"
        for key in ("rounds", "stopped", "chosen_round"):
            assert manifest(path)[key] == manifest(whole)[key]
