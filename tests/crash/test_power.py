"""After a power cut at any operation on a file, a run goes on from its last commit."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest
from crash_tools import RUN, Place, chance, stride
from disk import Disk, cut_at

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


def cut(place: Place, at: int, dice, strict: bool, *words: str) -> int:
    """Runs up to a power cut and leaves what is left then; returns the exit code."""
    runs, left = place.folder / "runs", place.folder / "left"
    runs.mkdir(exist_ok=True)
    disk = Disk(runs, cut_at(at, lambda: disk, left, None if strict else dice))

    def first() -> None:
        disk.remember()
        disk.install()

    ended = place.call(*words, first=first)
    assert ended.code in (0, -signal.SIGKILL), ended.said
    if ended.code:
        shutil.rmtree(runs)
        left.rename(runs)
    return ended.code


def commits(run: Path) -> int:
    return sum(file.read_bytes().count(b"\n") for file in run.glob("round-*/commits.jsonl"))


def test_the_power_fails_before_an_operation_on_a_file(whole, place, capsys):
    dice, struck, at = chance("power"), Counter(), 0
    while True:
        strict = dice.random() < 0.5
        if not cut(place, at, dice, strict, *RUN, place.name):
            break
        if dice.random() < 0.2:  # and once more, while it recovers
            cut(place, dice.randrange(40), dice, strict, *place.again)
        where = place.at()
        struck[where] += 1
        place.again_whole(whole, (at, where, strict))
        at += stride(dice)
    place.check(whole, "the last one had power")
    with capsys.disabled():
        print(f"\npower cut before {struck.total()} of {at} operations")
        print(dict(sorted(struck.items())))


def test_what_was_committed_is_on_the_disk(whole, place):
    """What a commit said before the cut is there after it, even if nothing unsynced is."""
    runs, left = place.folder / "runs", place.folder / "left"
    runs.mkdir()
    disk = Disk(runs, lambda *_: None)

    def first() -> None:
        disk.remember()
        disk.install()
        from selfspec_core.cli import session

        really = session.keep_results

        def cut_then(run, *rest):
            disk.durable.left(left, None)
            os.kill(os.getpid(), signal.SIGKILL)
            really(run, *rest)

        session.keep_results = cut_then

    assert place.call(*RUN, place.name, first=first).code == -signal.SIGKILL
    assert commits(left / place.name) == commits(place.run) > 40
    shutil.rmtree(runs)
    left.rename(runs)
    place.again_whole(whole, "cut before the cards")
