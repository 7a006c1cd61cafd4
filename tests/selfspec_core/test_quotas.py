"""Shares of tasks: common ones, and single tasks' own."""

from __future__ import annotations

from collections import Counter

import pytest
from whole_runs import make, rows

from selfspec_core import Context, Seed, UsageError
from selfspec_core.assembly.needs import check_shares
from selfspec_core.config import Settings
from selfspec_core.stages.quotas import answer_room, propose_room

TASKS = ("up", "who", "why", "sum")
SEEDS = [Seed(task, task, "open_qa", "Do it.", "It.", "x") for task in TASKS]


def context(**data):
    settings = Settings.model_validate({"data": {"size": 100, **data}})
    return Context("d", None, settings, SEEDS)


def test_common_shares():
    assert answer_room(context(task_share=1)) == dict.fromkeys(TASKS, 100)
    assert propose_room(context(task_share=1), 200, wave=0) == dict.fromkeys(TASKS, 200)
    assert answer_room(context(task_share=0.1)) == dict.fromkeys(TASKS, 25)  # an even share
    assert answer_room(context(task_share=0.4)) == dict.fromkeys(TASKS, 40)
    assert propose_room(context(task_share=0.4), 200, wave=2) == dict.fromkeys(TASKS, 50)
    assert propose_room(context(task_share=0.4), 200, wave=3) == dict.fromkeys(TASKS, 80)


def test_own_shares():
    own = context(task_share=0.4, task_shares={"who": 0.6, "why": 0.0})
    assert answer_room(own) == {"up": 40, "who": 60, "why": 0, "sum": 40}
    assert propose_room(own, 200, wave=0) == {"up": 40, "who": 120, "why": 0, "sum": 40}
    little = context(task_share=0.2, task_shares={"who": 0.1})  # what it leaves, divided evenly
    assert answer_room(little) == {"up": 30, "who": 10, "why": 30, "sum": 30}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"task_shares": {"whoo": 0.5}},
            "task_shares.whoo: no such task; did you mean 'who'?",
        ),
        ({"task_shares": dict.fromkeys(TASKS, 0.2)}, "they add up to less than 1"),
    ],
)
def test_what_cannot_be_is_refused(data, message):
    with pytest.raises(UsageError) as caught:
        check_shares(Settings.model_validate({"data": data}), SEEDS)
    assert message in str(caught.value)
    check_shares(Settings.model_validate({"data": {"task_shares": {"who": 0.1}}}), SEEDS)


def test_a_run_keeps_to_them(tmp_path):
    shares = {"glossary": 0.0, "event_type": 0.3, "figure_lookup": 0.02}
    make(tmp_path / "run", {"data": {"size": 60, "task_shares": shares}})
    tasks = Counter(row["task"] for row in rows(tmp_path / "run", "examples"))
    assert tasks["glossary"] == 0 and tasks["event_type"] <= 18 and tasks["figure_lookup"] <= 2
    reasons = Counter(row["filter"] for row in rows(tmp_path / "run", "rejected"))
    assert reasons["task_share"] > 0
