"""A disk that is full, broken or read-only: one clear line, nothing lost, and the run goes on."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from crash_tools import RUN, Ended, Place, chance, stride, trials
from disk import BROKEN, FULL, Disk, fails

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

LONG = "a run of Ünïcödé, 漢字 and spaces " + "x" * 155


def says_what_failed(ended: Ended, number: int) -> bool:
    """Checks how a command ends on such a disk; returns whether it failed at all."""
    assert "Traceback" not in ended.said and "internal" not in ended.said, ended.said
    errors = [line for line in ended.said.splitlines() if line.startswith("Error: ")]
    assert len(errors) == (ended.code != 0), ended.said
    if ended.code:
        assert ended.code == 1 and os.strerror(number) in ended.last, ended.said
        assert "runs" in ended.last, ended.said
    return bool(ended.code)


def test_every_operation_on_a_file_fails_once(whole, place, capsys):
    dice, found, at = chance("faults"), Counter(), 0
    reached = place.folder / "reached"
    numbers = (*FULL, *BROKEN)
    try:
        while True:
            number = numbers[(at + dice.randrange(2)) % 4]
            disk = Disk(place.folder / "runs", fails(at, number, dice))
            watch(disk, reached)
            ended = place.call(*RUN, place.name, first=disk.install)
            if not reached.exists():
                assert ended.code == 0, ended.said
                break
            reached.unlink()
            failed, where = says_what_failed(ended, number), place.at()
            found[errno.errorcode[number], where if failed else "no matter"] += 1
            place.again_whole(whole, (at, number, where))
            at += stride(dice)
    finally:  # also of a test that is stopped by hand
        with capsys.disabled():
            print(f"\n{found.total()} faults within {at} operations")
            print({f"{name} {where}": n for (name, where), n in sorted(found.items())})


def watch(disk: Disk, reached: Path) -> None:
    """Leaves a file when the trouble came: a run that ends before is the last to try."""
    trouble = disk._trouble

    def watched(count, kind, path):
        try:
            return trouble(count, kind, path)
        except OSError:
            reached.touch()
            raise

    disk._trouble = watched


@pytest.mark.parametrize("bytes_", [100, 3000, 8000, 20_000])
def test_files_may_not_grow(bytes_, whole, place):
    def first() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, resource.RLIM_INFINITY))

    ended = place.call(*RUN, place.name, first=first)
    assert says_what_failed(ended, errno.EFBIG)
    place.again_whole(whole, bytes_)


@pytest.fixture
def small_disk(tmp_path):
    """A file system in memory that holds 300 kB."""
    path = tmp_path / "disk"
    path.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", path])
    if made.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    yield path
    subprocess.run(["umount", path], check=True)


def test_a_disk_that_is_full_until_there_is_room(small_disk, whole, site):
    place, times = Place(small_disk / "place", site), 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(250_000))
    words = (*RUN, place.name)
    while (ended := place.call(*words)).code:
        assert says_what_failed(ended, errno.ENOSPC)
        times += 1
        left = max(0, ballast.stat().st_size - 16_000)
        os.truncate(ballast, left)
        if not left:
            subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
        words = place.again
    assert times > 3
    place.check(whole, times)


def test_a_long_name_with_spaces_and_unicode(site, whole, tmp_path):
    deep = tmp_path / "ein Ordner mit Leerzeichen und ünïcode"
    place = Place(deep, site, LONG[:180])
    dice, at = chance("name"), 5
    for _ in range(trials(4)):
        disk = Disk(deep / "runs", fails(at, errno.EIO, dice))
        ended = place.call(*RUN, place.name, first=disk.install)
        assert says_what_failed(ended, errno.EIO), ended.said
        place.again_whole(whole, at)
        at += dice.randint(20, 90)


def test_a_read_only_folder_can_still_be_shown(small_disk, site):
    place = Place(small_disk / "place", site)
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    assert place.call(*RUN, place.name).code == 0
    said = place.folder / "said"
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    place.folder = small_disk.parent / "elsewhere"  # what is said needs a place to go
    place.folder.mkdir()
    shown = place.call("show", str(place.run), "--json")
    assert (shown.code, shown.said) == (0, "")
    ended = place.call("resume", str(place.run))
    assert ended.code == 1 and os.strerror(errno.EROFS) in ended.last, ended.said
    assert said.exists()
