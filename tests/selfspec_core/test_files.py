"""Files and folders appear whole or not at all."""

import os

import pytest

from selfspec_core.files import new_folder, write_atomically


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
