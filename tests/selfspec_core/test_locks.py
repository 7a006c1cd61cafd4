"""The lock of a folder: who is in, and how long another waits."""

import os
import time

import pytest

from selfspec_core import locks
from selfspec_core.errors import SelfspecError
from selfspec_core.locks import Lock, in_use


def test_the_second_is_told_who_is_in(tmp_path):
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.acquire()
    assert in_use(tmp_path)
    said = rf"^{tmp_path}: in use by \S+, process {os.getpid()}; wait for it or stop it$"
    with pytest.raises(SelfspecError, match=said):
        second.acquire(0)
    second.release()  # holds nothing, and takes nothing away
    assert in_use(tmp_path) and (tmp_path / ".owner").exists()
    (tmp_path / ".owner").unlink()  # the disk was full
    with pytest.raises(SelfspecError, match="in use by another process; wait"):
        second.acquire(0)
    first.release()
    second.acquire(0)
    second.release()
    assert not in_use(tmp_path) and not (tmp_path / ".owner").exists()


def test_it_waits_as_long_as_it_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0.0)
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.acquire()
    with pytest.raises(SelfspecError):
        second.acquire()
    monkeypatch.setattr(time, "sleep", lambda seconds: first.release())
    second.acquire(60)
    second.release()


def test_a_block_that_fails_leaves_nothing_locked(tmp_path):
    lock = Lock(tmp_path)
    with lock.taking():
        assert in_use(tmp_path)
    assert in_use(tmp_path)
    lock.release()
    with pytest.raises(KeyError), lock.taking():
        raise KeyError
    assert not in_use(tmp_path)


def test_who_takes_the_lock_at_once_keeps_its_own_name_there(tmp_path, monkeypatch):
    first, second = Lock(tmp_path), Lock(tmp_path)
    first.acquire()
    release = first._lock.release

    def released():
        release()
        second.acquire(0)

    monkeypatch.setattr(first._lock, "release", released)
    first.release()
    assert (tmp_path / ".owner").exists()
    second.release()
