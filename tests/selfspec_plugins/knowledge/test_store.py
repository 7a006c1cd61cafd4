"""The Chroma collection: found by its folder, closed after use, one clear line if it fails."""

import os
import shutil
from pathlib import Path

import pytest

from selfspec_core.errors import SelfspecError
from selfspec_plugins.knowledge.store import Store


def filled(folder, *ids):
    store = Store(folder)
    store.upsert(ids=list(ids), embeddings=[[1.0, 0.0]] * len(ids), documents=list(ids))
    return store


def test_a_relative_folder_is_that_of_the_working_folder(tmp_path, monkeypatch):
    kept = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        kept.append(filled(Path("index"), name))
    assert [store.get()["ids"] for store in kept] == [["first"], ["second"]]


def test_a_database_is_closed_when_nobody_holds_the_store(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for number in range(10):
        filled(tmp_path / str(number), "one")
    assert len(os.listdir("/proc/self/fd")) - before < 20  # one that is open takes ten


def test_what_chroma_refuses_is_one_line_that_names_the_folder(tmp_path):
    store = filled(tmp_path / "index", "one")
    shutil.rmtree(tmp_path / "index")
    with pytest.raises(SelfspecError, match=r"index: the index cannot be used \(.*\); if the disk"):
        for _ in range(50):  # what is open already may go on being read
            store.upsert(ids=["two"], embeddings=[[1.0, 0.0]], documents=["two"])
