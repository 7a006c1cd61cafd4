"""Killed at any instant and resumed, a run ends with the bytes of one that nobody stopped."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from crash_tools import RUN, SIGNALS, Ended, Place, chance, stopping, stride, trials
from disk import Disk, killed_at

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

ROUNDS = ("round-1", "round-2", "round-3")
STAGES = "load plan propose answer specialize pairs evaluate".split()


def begun(place: Place, number: int, seconds: float, *words: str) -> Ended:
    """Has a signal sent to a command after some seconds of work, and checks how it ends."""
    ended = place.call(*words, first=stopping(number, seconds))
    if number == signal.SIGKILL:
        assert ended.code in (-number, 0), ended.said
    elif ended.code:
        assert ended.code == 128 + number, (ended.code, ended.said)
        assert ended.last.startswith(f"Error: {SIGNALS[number]}"), ended.said
        assert "Traceback" not in ended.said
    return ended


@pytest.mark.parametrize(
    ("number", "usual"), [(signal.SIGKILL, 200), (signal.SIGTERM, 50), (signal.SIGINT, 50)]
)
def test_stopped_at_random_instants(number, usual, uninterrupted, place, capsys):
    whole, seconds = uninterrupted
    dice, struck = chance(f"instants {number}"), Counter()
    try:
        while struck.total() < trials(usual):
            words = (*RUN, place.name)
            while begun(place, number, dice.uniform(0, seconds), *words).code:
                struck[place.at()] += 1
                words = place.again
                if dice.random() < 0.7:  # else once more, while it recovers
                    break
            place.again_whole(whole, (struck.total(), place.at()))
    finally:  # also of a test that is stopped by hand
        with capsys.disabled():
            print(f"\n{signal.Signals(number).name}: {struck.total()}")
            print(dict(sorted(struck.items())))
    assert len(struck) > 1, "all stops came at one place: the instants are not spread"


def test_killed_before_every_operation_on_a_file(whole, place, capsys):
    dice, struck, at = chance("operations"), Counter(), 0
    while True:
        disk = Disk(place.folder / "runs", killed_at(at, dice))
        ended = place.call(*RUN, place.name, first=disk.install)
        if ended.code == 0:
            break
        assert ended.code == -signal.SIGKILL, ended.said
        where = place.at()
        struck[where] += 1
        place.again_whole(whole, (at, where))
        at += stride(dice)
    place.check(whole, "the last one was not killed")
    with capsys.disabled():
        print(f"\nkilled before {struck.total()} of {at} operations")
        print(dict(sorted(struck.items())))
    assert all(any(where.startswith(one) for where in struck) for one in ROUNDS)
    if struck.total() == at:  # none was passed over, and some stages have but one
        lacking = [f"{one} {stage}" for one in ROUNDS for stage in STAGES]
        assert not [where for where in lacking if not struck[where]]
