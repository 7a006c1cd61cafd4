"""What a plan counts is what a run does; what it costs is plain arithmetic."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from whole_runs import SMALL, make, rows

from selfspec_core.assembly.assemble import Assembly, assemble
from selfspec_core.assembly.request import Request
from selfspec_core.errors import UsageError
from selfspec_core.planning import paper
from selfspec_core.planning.calibration import Calibration
from selfspec_core.planning.work import (
    Acceptance,
    Costs,
    Way,
    Work,
    acceptance_of,
    estimate,
    with_settings,
    work,
)
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.stages.tuning import trained


def assembled(*extra: dict) -> Assembly:
    made = assemble(Request("finance", model="scripted", set=(*SMALL, *extra)), Silent())
    made.context.model.load()
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return make(tmp_path_factory.mktemp("plan") / "a", {"evaluation": {"collateral": "none"}})


def test_a_run_does_what_its_plan_counts(run: Run):
    made = assembled({"evaluation": {"collateral": "none"}})
    folder = run.round(1)
    found = acceptance_of(folder)
    amount = work(made.context, made.parts, found, in_turns=True)
    assert sum(amount.asked.values()) == folder.count("predictions")
    assert amount.steps == {name: one.steps for name, one in trained(folder).items()}
    proposals = {row["id"] for name in ("instructions", "rejected") for row in rows(run.path, name)}
    assert amount.proposals == pytest.approx(len(proposals), rel=0.35)
    assert amount.short == 0


def test_acceptance_leaves_quotas_out(tmp_path: Path):
    folder = Run.create(tmp_path / "r", {}).round(1)
    assert acceptance_of(folder) is None
    early = [{"filter": "novelty", "reason": "x"}] * 3 + [
        {"filter": "task_share", "reason": "x"}
    ] * 5
    late = [
        {"filter": "grounded", "reason": "x", "output": "y"},
        {"filter": "size", "reason": "x", "output": "z"},
    ]
    kept = [{"id": str(n)} for n in range(4)]
    whole = dict.fromkeys(("id", "task", "kind", "instruction", "input"), "x")
    whole |= {"round": 1, "batch": 0}
    early, late = ([whole | row for row in rows] for rows in (early, late))
    folder.commit("propose", 0, {"instructions": kept, "rejected": early})
    folder.commit("answer", 0, {"examples": kept[:3], "rejected": late})
    assert acceptance_of(folder) == Acceptance(9 / 12, 3 / 4)


def test_fewer_kept_take_more_proposals_up_to_the_limit():
    made = assembled()
    amounts = [
        work(made.context, made.parts, Acceptance(share, 1.0), in_turns=True)
        for share in (1.0, 0.5, 0.1, 0.0)
    ]
    proposals = [one.proposals for one in amounts]
    assert proposals == sorted(proposals)
    assert proposals[-1] == 480  # 8 an example, in whole batches of 16
    assert amounts[-1].short == 60
    assert amounts[0].answered == 60


def test_tasks_in_turns_bring_no_more_than_they_have_room_for():
    made = assembled({"data": {"size": 12}}, {"propose": {"batch": 16}})
    turns, mixed = (
        work(made.context, made.parts, Acceptance(1.0, 1.0), in_turns=one) for one in (True, False)
    )
    assert turns.proposals > mixed.proposals >= 12


def test_rounds_and_generic_are_counted():
    once, more = (
        assembled({"rounds": {"max": rounds}}, {"evaluation": {"controls": controls}})
        for rounds, controls in ((1, []), (3, ["generic", "seeds-only-long"]))
    )
    one, many = (
        work(made.context, made.parts, Acceptance(0.5, 1.0), in_turns=True) for made in (once, more)
    )
    assert many.proposals == 2 * one.proposals  # kept instructions are answered again
    assert many.answered == 4 * one.answered
    assert many.steps == {
        "specialized": 3 * one.steps["specialized"],
        "generic": one.steps["specialized"],
        "seeds-only-long": one.steps["specialized"],
    }


def test_an_estimate_is_work_times_costs():
    ways = {Way(False): 0.5, Way(True, 5): 2.0}
    costs = Costs(
        begin=3,
        proposal=0.1,
        answer=0.2,
        tuning=1.0,
        step=0.25,
        item=ways,
        end=2,
        memory=10**9,
        adapter=1000,
        row=100.0,
        prediction=10.0,
    )
    steps = {"specialized": 8, "seeds-only": 4}
    found = estimate(Work(100, 50, steps, {Way(False): 20, Way(True, 5): 5}), costs)
    assert found.seconds == {
        "begin": 3,
        "propose": 10.0,
        "answer": 10.0,
        "train": 3.0,
        "controls": 2.0,
        "evaluate": 20.0,
        "end": 2,
    }
    assert found.total == 50.0
    assert found.disk == 300_000 + 2 * 1000 + 200 * 100 + 25 * 10


def test_processes_share_the_work_and_train_side_by_side():
    costs = Costs(1, 0.1, 0.2, 1.0, 0.25, {Way(False): 0.5}, 1, 10**9, lanes=2)
    steps = {"specialized": 80, "seeds-only": 8, "seeds-only-long": 80}  # 21, 3 and 21 seconds
    found = estimate(Work(100, 50, steps, {Way(False): 20}), costs)
    assert found.seconds == {
        "begin": 1,
        "propose": 5.0,
        "answer": 5.0,
        "train": 21.0,
        "controls": 3.0,  # 3 + 21 beside the specialist's 21
        "evaluate": 10.0,
        "end": 1,
    }


def test_gpus_that_tune_together_tune_one_adapter_after_another():
    steps = {"specialized": 80, "seeds-only": 8}  # 21 and 3 seconds
    costs = Costs(1, 0.1, 0.2, 1.0, 0.25, {}, 1, 10**9, lanes=2, together=True)
    found = estimate(Work(100, 50, steps, {}), costs).seconds
    assert (found["train"], found["controls"]) == (21.0, 3.0)
    apart = estimate(Work(100, 50, steps, {}), replace(costs, together=False)).seconds
    assert (apart["train"], apart["controls"]) == (21.0, 0.0)


def test_on_paper_more_gpus_share_the_work():
    made = assembled()
    eight = with_settings(made.context, "model", processes=8)
    both = with_settings(eight, "training", processes=8)
    one, many, all_of_them = (
        paper.costs(paper.hardware("H100"), 7e9, context, [])
        for context in (made.context, eight, both)
    )
    assert (one.lanes, many.lanes, one.together, many.together) == (1, 8, False, False)
    assert many.step == one.step > 7 * all_of_them.step and all_of_them.together


def test_a_calibration_measures_every_way_of_asking_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = assembled()
    calibration = Calibration(made, 1.0)
    ways = [Way(False), Way(False, 5), Way(True), Way(True, elsewhere=True)]
    costs = calibration.measure(ways, 0.5)
    assert costs.begin >= 0.5
    assert set(costs.item) == set(ways) and min(costs.item.values()) > 0
    assert min(costs.proposal, costs.answer, costs.adapter, costs.row, costs.prediction) > 0
    assert costs.memory > 10**7
    assert 0 < calibration.acceptance.instructions <= 1
    assert calibration.in_turns
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is handed on")
def test_memory_is_the_own_not_that_of_whoever_started_the_process():
    """`ru_maxrss` outlives exec: a plan made from a large notebook said the notebook's memory."""
    ask = "from selfspec_core.planning.memory import process_memory as m; print(m())"
    held = bytearray(b"1") * (400 << 20)  # written, so that it is in memory
    command = [sys.executable, "-c", ask]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 10**6 < int(said) < len(held) / 2


def test_on_paper_a_larger_model_takes_longer_and_a_faster_gpu_less_long():
    made = assembled()
    ways = list(work(made.context, made.parts, Acceptance(0.5, 0.5), in_turns=True).asked)
    large, larger, faster = (
        paper.costs(paper.hardware(gpu), parameters, made.context, ways)
        for gpu, parameters in (("l4", 7e9), ("L4", 70e9), ("H100", 70e9))
    )
    for before, after in ((large, larger), (faster, larger)):
        assert before.proposal < after.proposal
        assert before.step < after.step
        assert before.item[Way(True)] < after.item[Way(True)]
    assert larger.device_memory > paper.hardware("L4").memory > large.device_memory
    with pytest.raises(UsageError, match="--hardware h10: expected L4, .*did you mean 'H100'"):
        paper.hardware("h10")
