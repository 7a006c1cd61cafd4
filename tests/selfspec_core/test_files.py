"""Files and folders appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from selfspec_core.errors import SelfspecError
from selfspec_core.files import (
    filling,
    make_folder,
    naming,
    new_folder,
    put_folder,
    write_atomically,
)


def test_a_file_is_replaced_or_stays_as_it_was(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    write_atomically(file, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda number: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_atomically(file, "new")
    assert file.read_text() == "old"
    write_atomically(file, "new")
    assert (file.read_text(), [path.name for path in tmp_path.iterdir()]) == ("new", ["a.json"])


def test_what_did_not_fit_on_the_disk_leaves_no_half_file(tmp_path, monkeypatch):
    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(tmp_path / "a.json", "new")
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_is_empty_whatever_was_left_of_an_earlier_one(tmp_path):
    (new_folder(tmp_path / "made") / "left").write_text("x")
    made = new_folder(tmp_path / "made")
    assert list(made.iterdir()) == [] and not (tmp_path / "made").exists()
    made.replace(tmp_path / "made")
    assert (tmp_path / "made").is_dir()


@pytest.fixture
def done(tmp_path, monkeypatch):
    """What is synced, made and renamed, in order, by path from here."""
    found, sync, rename = [], os.fsync, os.rename

    def name(path):
        return os.path.relpath(path, tmp_path)

    def synced(number):
        found.append(("sync", name(os.readlink(f"/proc/self/fd/{number}"))))
        sync(number)

    def replaced(old, new):
        found.append(("put", name(new)))
        rename(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.chdir(tmp_path)
    return found


def test_a_file_is_on_the_disk_before_its_name_and_both_afterwards(done):
    write_atomically(Path("a.json"), "new")
    assert done == [("sync", ".a.json.tmp"), ("put", "a.json"), ("sync", ".")]


def test_a_folder_is_on_the_disk_before_it_is_in_its_place(done):
    make_folder(Path("round-1/controls"))
    assert done == [("sync", "."), ("sync", "round-1")]
    made = new_folder(Path("round-1/adapter"))
    (made / "deeper").mkdir()
    (made / "deeper/weights").write_text("x")
    del done[:]
    put_folder(made, Path("round-1/adapter"))
    there = "round-1/.adapter.tmp"
    assert sorted(done[:3]) == [
        ("sync", there),
        ("sync", f"{there}/deeper"),
        ("sync", f"{there}/deeper/weights"),
    ]
    assert done[3:] == [("put", "round-1/adapter"), ("sync", "round-1")]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_syncs_no_folders_will_do_a_broken_one_not(
    number, tmp_path, monkeypatch
):
    sync = os.fsync

    def refuse_folders(file):
        if os.path.isdir(f"/proc/self/fd/{file}"):
            raise OSError(number, os.strerror(number))
        sync(file)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    if number == errno.EINVAL:
        write_atomically(tmp_path / "a.json", "new")
    else:
        with pytest.raises(OSError, match="Input/output error") as caught:
            write_atomically(tmp_path / "a.json", "new")
        assert caught.value.filename == str(tmp_path)


def test_a_file_that_cannot_take_its_place_leaves_nothing_beside_it(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_folder_is_seen_whole_or_not_at_all(tmp_path):
    place = tmp_path / "made"
    with pytest.raises(KeyboardInterrupt), filling(place) as folder:
        (folder / "half").write_text("")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    with filling(place) as folder:
        (folder / "whole").write_text("")
        assert not place.exists()
    assert [path.name for path in place.iterdir()] == ["whole"]
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("raised", "number"),
    [
        (ValueError("I/O error: File too large (os error 27)"), errno.EFBIG),  # safetensors
        (RuntimeError("[enforce fail] . PytorchStreamWriter failed writing file"), errno.EIO),
        (OSError("98304 requested and 60160 written"), errno.EIO),  # numpy
        (OSError(errno.ENOSPC, "No space left on device"), errno.ENOSPC),
    ],
)
def test_what_a_library_could_not_write_names_the_file(raised, number):
    with pytest.raises(OSError) as caught, naming(Path("runs/x/adapter")):
        raise raised
    assert (caught.value.errno, caught.value.filename) == (number, "runs/x/adapter")


@pytest.mark.parametrize("raised", [FileNotFoundError(2, "no", "other"), KeyError("x")])
def test_what_says_itself_where_it_was_is_left_alone(raised):
    with pytest.raises(type(raised)) as caught, naming(Path("runs/x/adapter")):
        raise raised
    assert caught.value is raised


def test_a_folder_that_was_filled_takes_the_place_of_nothing_that_came_meanwhile(tmp_path):
    place = tmp_path / "export"
    with pytest.raises(OSError) as caught, filling(place) as made:
        (made / "weights").write_text("new")
        place.mkdir()
        (place / "mine").write_text("old")
    assert (caught.value.errno, caught.value.filename) == (errno.ENOTEMPTY, str(place))
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")] == ["export", "export/mine"]


def test_two_that_fill_a_folder_for_one_place_do_not_mix(tmp_path):
    place = tmp_path / "made"
    with filling(place) as first:
        (first / "half").write_text("")
        with pytest.raises(SelfspecError, match=rf"^{place}: another process is writing it"):
            with filling(place):
                raise AssertionError
        assert [path.name for path in first.iterdir()] == ["half"]
    assert [path.name for path in place.iterdir()] == ["half"]


def test_what_a_kill_left_of_a_folder_is_not_in_the_next(tmp_path):
    left = tmp_path / ".made.tmp"
    (left / "deep").mkdir(parents=True)
    (left / "deep/er").write_text("")
    (left / "file").write_text("")
    (left / "link").symlink_to(tmp_path, target_is_directory=True)
    with filling(tmp_path / "made") as folder:
        assert list(folder.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["made"]
