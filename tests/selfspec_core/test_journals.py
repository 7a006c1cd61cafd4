"""Tests of the journals of a round."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selfspec_core import journals
from selfspec_core.errors import SelfspecError
from selfspec_core.journals import RoundFolder


def test_rows_are_counted_as_they_are_committed(tmp_path, monkeypatch):
    monkeypatch.setattr("selfspec_core.journals._BLOCK", 7)
    folder = RoundFolder(tmp_path / "round-1")
    assert folder.count("a") == 0
    for batch in range(3):
        folder.commit("s", batch, {"a": [{"text": "line\u2028one\n"}] * 2, "b": []})
    with (folder.path / "a.jsonl").open("ab") as file:
        file.write(b'{"torn": 1}\n{"to')
    assert folder.count("a") == sum(1 for _ in folder.read("a")) == 6
    assert folder.count("b") == 0


def test_rows_are_picked_by_the_keys_they_have(tmp_path):
    folder = RoundFolder(tmp_path / "round-1")
    said, plain, nameless = {"a": 'no "output"', "b": "output"}, {"output": ""}, {"": 1}
    folder.commit("s", 0, {"a": [said, plain, nameless]})
    with (folder.path / "a.jsonl").open("ab") as file:
        file.write(b'{"output": "torn')
    assert list(folder.read("a")) == [said, plain, nameless]
    assert list(folder.read("a", having="output")) == [plain]
    assert list(folder.read("a", without="output")) == [said, nameless]


@pytest.mark.parametrize(
    ("journal", "key"),
    [
        ("rejected", "filter"),
        ("rejected", "reason"),
        ("instructions", "id"),
        ("examples", "output"),
    ],
)
def test_a_row_that_lacks_what_all_have_is_damage(tmp_path, journal, key):
    texts = "id task kind instruction input output filter reason".split()
    row = dict.fromkeys(texts, "x") | {"round": 1, "batch": 0}
    folder = RoundFolder(tmp_path / "round-1")
    lacking = {name: value for name, value in row.items() if name != key}
    folder.commit("s", 0, {journal: [row, lacking]})
    rows = folder.read(journal)
    assert next(rows) == row
    with pytest.raises(SelfspecError, match=rf"{journal}\.jsonl:2: damaged: lacks '{key}'"):
        next(rows)


@pytest.mark.parametrize("line", [b'{"a": 1} {"b": 2}\n', b'{"a": \xff}\n', b"\n"])
def test_a_line_that_is_not_one_value_is_damage(tmp_path, line):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"text": "x" * 40}]})
    size = (folder.path / "a.jsonl").stat().st_size
    (folder.path / "a.jsonl").write_bytes(line.ljust(size, b" "))
    with pytest.raises(SelfspecError, match=r"a\.jsonl:1: damaged"):
        list(folder.read("a"))


def test_the_name_of_a_journal_is_on_the_disk_before_a_commit_counts_on_it(tmp_path, monkeypatch):
    folder, synced, sync = RoundFolder(tmp_path / "round-1"), [], os.fsync

    def watched(number):
        synced.append(Path(os.readlink(f"/proc/self/fd/{number}")).name)
        sync(number)

    monkeypatch.setattr(os, "fsync", watched)
    folder.commit("s", 0, {"a": [{}]})
    assert synced == ["commits.jsonl", "round-1", "a.jsonl", "round-1", "commits.jsonl"]
    del synced[:]
    folder.commit("s", 1, {"a": [{}]})
    assert synced == ["a.jsonl", "commits.jsonl"]


def test_the_very_first_batch_may_be_interrupted(tmp_path, monkeypatch):
    folder, fsync = RoundFolder(tmp_path / "round-1"), os.fsync

    def killed(number):
        if os.readlink(f"/proc/self/fd/{number}").endswith("a.jsonl"):
            raise KeyboardInterrupt
        fsync(number)

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.commit("s", 0, {"a": [{"text": "lost"}]})
    monkeypatch.undo()
    again = RoundFolder(folder.path)
    assert (again.commits, [*again.read("a")]) == ([], [])
    again.commit("s", 0, {"a": [{"text": "kept"}]})
    assert [*RoundFolder(folder.path).read("a")] == [{"text": "kept"}]


def test_a_journal_that_is_shorter_than_its_commits_is_damage_to_readers_too(tmp_path):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"n": 1}, {"n": 2}]})
    (folder.path / "a.jsonl").write_text('{"n": 1}\n')
    with pytest.raises(SelfspecError, match=r"a\.jsonl: damaged: 9 bytes fewer"):
        list(RoundFolder(folder.path, write=False).read("a"))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("b.jsonl", r"b\.jsonl: damaged: 4 bytes, but commits\.jsonl says 9"),
        ("commits.jsonl", r"commits\.jsonl: missing, but there are journals"),
    ],
)
def test_a_writer_touches_nothing_where_more_than_the_end_is_missing(tmp_path, broken, said):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"n": 1}], "b": [{"n": 1}]})
    with (folder.path / "a.jsonl").open("ab") as file:
        file.write(b"torn")
    if broken == "b.jsonl":
        os.truncate(folder.path / broken, 4)
    else:
        (folder.path / broken).unlink()
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    with pytest.raises(SelfspecError, match=said):
        RoundFolder(folder.path)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_what_a_kill_left_of_a_commit_is_cut_off(tmp_path):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"n": 1}]})
    whole = {path.name: path.read_bytes() for path in folder.path.iterdir()}
    for name in whole:
        with (folder.path / name).open("ab") as file:
            file.write(b'{"stage": "s", "ba')
    RoundFolder(folder.path)
    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == whole


def test_what_a_kill_left_of_the_first_batch_of_a_journal_does_not_count(tmp_path):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"n": 1}]})
    (folder.path / "b.jsonl").write_bytes(b'{"n": 1}\n{"n"')
    again = RoundFolder(folder.path)
    assert ([*again.read("b")], again.count("b")) == ([], 0)
    again.commit("s", 1, {"b": [{"n": 2}]})
    again.commit("s", 2, {"b": [{"n": 3}]})
    assert [*RoundFolder(folder.path).read("b")] == [{"n": 2}, {"n": 3}]


def test_a_file_of_the_users_own_in_a_round_stays_as_it_is(tmp_path):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"n": 1}]})
    (folder.path / "notes.jsonl").write_text("mine")
    RoundFolder(folder.path).commit("s", 1, {"a": [{"n": 2}]})
    assert (folder.path / "notes.jsonl").read_text() == "mine"


def test_names_that_a_killed_process_did_not_sync_are_synced_before_it_goes_on(
    tmp_path, monkeypatch
):
    folder = RoundFolder(tmp_path / "round-1")
    folder.commit("s", 0, {"a": [{"n": 1}]})
    synced = []
    monkeypatch.setattr(journals, "sync", synced.append)
    RoundFolder(folder.path)
    assert {folder.path, tmp_path} <= set(synced)
    del synced[:]
    RoundFolder(folder.path, write=False)
    assert not synced
