"""Two processes on one folder: one works, the other is told so, and neither harms the run."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from crash_tools import RUN, chance, trials

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


def test_two_begin_or_resume_the_same_run(place, whole):
    dice = chance("two")
    words = (*RUN, place.name)
    for _ in range(trials(6)):
        other = type(place)(place.folder / "..", place.site, place.name)
        other.folder = place.folder
        first = place.begin(*words)
        time.sleep(dice.uniform(0, 0.2))
        second = place.begin(*words)
        ends = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in (first, second)]
        assert 0 in ends and sorted(ends)[1] in (0, 1, 2), ends
        assert place.finished()
        place.check(whole, ends)
        stopped = place.begin(*words)
        while not list(place.run.glob("round-*/commits.jsonl")):
            time.sleep(0.01)
        os.kill(stopped, signal.SIGKILL)
        place.end(stopped)
        resumes = [place.begin(*place.again) for _ in range(2)]
        ends = [os.waitstatus_to_exitcode(os.waitpid(one, 0)[1]) for one in resumes]
        assert 0 in ends and sorted(ends)[1] in (0, 1), ends
        place.check(whole, ends)


def test_who_comes_second_is_told_who_works(place, whole):
    first = place.begin(*RUN, place.name)
    while not (place.run / "round-1/commits.jsonl").exists():
        time.sleep(0.01)
    os.kill(first, signal.SIGSTOP)
    told = place.call("resume", place.name)
    assert (told.code, told.last) == (
        1,
        f"Error: runs/cut: in use by {os.uname().nodename}, process {first}; "
        "wait for it or stop it",
    )
    taken = place.call(*RUN, place.name)
    assert taken.code == 2 and "exists already; `selfspec resume cut` goes on" in taken.last
    os.kill(first, signal.SIGCONT)
    assert place.end(first).code == 0
    place.check(whole, "first")


def test_readers_see_a_whole_run_at_any_time(place, whole):
    writer, shown, states = place.begin(*RUN, place.name), 0, set()
    while not (place.run / "manifest.json").exists():
        time.sleep(0.005)
    apart = place.folder.parent / "reader"
    reader = type(place)(apart, place.site)
    dice = chance("readers")
    while os.waitpid(writer, os.WNOHANG) == (0, 0):
        os.kill(writer, signal.SIGSTOP)  # wherever it is
        ended = reader.call("show", str(place.run), *dice.choice([(), ("--json",)]))
        assert (ended.code, ended.said) == (0, ""), ended.said
        text = (apart / "out").read_text()
        if text.startswith("{"):
            states.add(json.loads(text)["state"])
        shown += 1
        os.kill(writer, signal.SIGCONT)
        time.sleep(dice.uniform(0, 0.1))
    assert shown > 3 and states <= {"running", "finished"}
    place.check(whole, shown)


@pytest.mark.parametrize("owner", ["gone, process 1", "elsewhere, process 4711"])
def test_what_a_dead_process_or_another_host_left_locks_nothing(owner, place, whole):
    stopped = place.begin(*RUN, place.name)
    while not (place.run / "round-1/commits.jsonl").exists():
        time.sleep(0.01)
    os.kill(stopped, signal.SIGKILL)
    place.end(stopped)
    assert (place.run / ".lock").exists()
    (place.run / ".owner").write_text(f"{owner}\n")
    place.again_whole(whole, owner)
