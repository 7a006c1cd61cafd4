"""Who holds a run, and what its manifest must say."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfspec_core import locks
from selfspec_core.assembly.request import Request
from selfspec_core.cli import session
from selfspec_core.cli.main import selfspec as cli
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.interchange.formats import settings_of
from selfspec_core.locks import Lock, in_use
from selfspec_core.manifest import read_manifest
from selfspec_core.runs import Run, check_free, find_run

MANIFEST = {
    "created": "2026-01-01T00:00:00+00:00",
    "domain": "finance",
    "model": "scripted",
    "state": "running",
    "seconds": 3.5,
    "request": {"domain": "finance"},
    "conditions": {},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An unfinished run `demo` under runs/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    path = Path("runs/demo")
    path.mkdir(parents=True)
    write(path, MANIFEST)
    return path


def write(path, manifest):
    (path / "manifest.json").write_text(json.dumps(manifest))


def test_a_run_is_in_use_while_somebody_holds_it(folder):
    assert not in_use(folder)
    run = Run.open(folder, write=True)
    assert in_use(folder)
    run.close()
    assert not in_use(folder)


@pytest.fixture
def meanwhile(monkeypatch):
    """Returns `meanwhile(act)`: `act` happens when somebody has found the lock taken, and waits."""

    def set_up(act):
        monkeypatch.setattr(locks, "PATIENCE", 60.0)
        monkeypatch.setattr(time, "sleep", lambda seconds: act())

    return set_up


def test_to_look_keeps_no_run_from_beginning(folder, meanwhile):
    import fcntl

    (folder / ".lock").touch()
    with (folder / ".lock").open("rb") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_SH)
        waits = []

        def stop_looking():
            waits.append(in_use(folder))
            fcntl.flock(looked_at, fcntl.LOCK_UN)

        meanwhile(stop_looking)
        run = Run.open(folder, write=True)
        assert waits == [False] and in_use(folder)  # it waited for who looked, and has it now
        run.close()


def test_who_does_not_wait_for_a_run_is_told_who_holds_it(folder, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0.0)
    first = Run.open(folder, write=True)
    with pytest.raises(SelfspecError, match=rf"in use by \S+, process {os.getpid()}; wait for it"):
        Run.open(folder, write=True)
    first.close()


def test_who_waited_for_a_run_sees_how_it_ended(folder, meanwhile):
    first = Run.open(folder, write=True)

    def end():
        first.manifest["state"] = "finished"
        first.save_manifest()
        first.close()

    meanwhile(end)
    second = Run.open(folder, write=True)
    assert second.manifest["state"] == "finished"
    first.close()  # holds nothing any more, and takes nothing away
    assert (folder / ".owner").exists() and in_use(folder)
    second.close()
    assert not (folder / ".owner").exists() and not in_use(folder)


def test_who_waited_for_a_run_that_is_no_more_holds_nothing(folder, meanwhile):
    first = Run.open(folder, write=True)

    def end():
        write(folder, {})
        first.close()

    meanwhile(end)
    with pytest.raises(UsageError, match="key 'created' is missing"):
        Run.open(folder, write=True)
    assert not in_use(folder) and not (folder / ".owner").exists()


def test_of_two_that_begin_the_same_run_the_second_is_refused(folder, monkeypatch):
    acquire = Lock.acquire

    def late(lock):
        write(lock.folder, MANIFEST)  # the first was quicker, and is done
        acquire(lock)

    monkeypatch.setattr(Lock, "acquire", late)
    path = folder.parent / "other"
    with pytest.raises(UsageError, match="^--name other: runs/other exists already; "):
        Run.create(path, {"state": "new"})
    assert json.loads((path / "manifest.json").read_text()) == MANIFEST
    assert not in_use(path) and not (path / ".owner").exists()


def test_an_unused_run_is_discarded_before_another_may_hold_it(folder, monkeypatch):
    monkeypatch.chdir(folder)
    held = []
    discard = Run.discard_unused

    def watched(run):
        held.append(in_use(run.path))
        discard(run)

    def unloadable(run, parts, context):
        raise UsageError("model.path: no such folder")

    monkeypatch.setattr(Run, "discard_unused", watched)
    monkeypatch.setattr(session, "run_rounds", unloadable)
    request = Request("finance", model="scripted")
    with pytest.raises(UsageError, match="model.path"):
        session.start("one", request, {})
    assert held == [True]
    assert not Path("runs/one").exists()


BROKEN = [
    ("{}", "key 'created' is missing"),
    ("[]", "expected a JSON object"),
    ("no", "not valid JSON: Expecting value: line 1 column 1"),
    ("[" * 100_000, "not valid JSON"),
    *(
        (json.dumps({k: v for k, v in MANIFEST.items() if k != key}), f"key '{key}' is missing")
        for key in MANIFEST
    ),
    (json.dumps(MANIFEST | {"request": 3}), "key 'request': expected an object, got 3"),
    (json.dumps(MANIFEST | {"seconds": "x"}), "key 'seconds': expected a number, got 'x'"),
    (json.dumps(MANIFEST | {"seconds": float("nan")}), "key 'seconds': expected a number, got nan"),
    (json.dumps(MANIFEST | {"timings": {"a": 10**400}}), "key 'timings': expected seconds by step"),
    (json.dumps(MANIFEST | {"notes": "x"}), "key 'notes': expected a list"),
    (json.dumps(MANIFEST | {"notes": [5]}), "key 'notes': expected texts"),
    (json.dumps(MANIFEST | {"machine": 5}), "key 'machine': expected an object, got 5"),
    (json.dumps(MANIFEST | {"rounds": 5}), "key 'rounds': expected a list, got 5"),
    (json.dumps(MANIFEST | {"rounds": [5]}), "key 'rounds': expected objects"),
    (
        json.dumps(MANIFEST | {"rounds": [{"round": 1, "system": 5}]}),
        "key 'rounds.system': expected a text, got 5",
    ),
]


@pytest.mark.parametrize("command", ["show", "resume", "evaluate"])
@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[message for _, message in BROKEN])
def test_a_broken_manifest_is_one_line_that_names_file_and_key(folder, command, text, message):
    (folder / "manifest.json").write_text(text)
    error = CliRunner().invoke(cli, [command, "demo"]).exception
    assert isinstance(error, UsageError)
    assert str(error).startswith("runs/demo/manifest.json: ")
    assert message in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "'request' has neither 'domain' nor 'seeds'"),
        ({"domain": 3}, "key 'request.domain': input should be a valid string"),
        ({"domain": "finance", "sett": 1}, "key 'request.sett': unexpected"),
        ({"domain": "finance", "set": [3]}, "key 'request.set.0': input should be"),
    ],
)
def test_a_broken_request_names_file_and_key(folder, request_, message):
    write(folder, MANIFEST | {"request": request_})
    (folder / "round-1").mkdir()
    for command in ("resume", "evaluate"):
        error = CliRunner().invoke(cli, [command, "demo"]).exception
        assert isinstance(error, UsageError)
        assert str(error).startswith(f"runs/demo/manifest.json: damaged: {message}")


def test_a_run_without_a_round_is_not_taken_for_a_model(folder):
    error = CliRunner().invoke(cli, ["evaluate", "demo"]).exception
    assert str(error) == "runs/demo: no round has begun yet; there is nothing to evaluate"


def test_a_broken_manifest_is_never_the_latest(folder):
    for number, text in enumerate(("[]", "[" * 100_000, "{}")):
        other = folder.parent / f"other-{number}"
        other.mkdir()
        (other / "manifest.json").write_text(text)
    assert find_run("latest") == folder


def test_a_setting_that_is_no_more_is_not_read(folder):
    old = {"evaluation": {"batch": 64, "shots": 2}}
    asked = {"domain": "finance", "set": [{"evaluation": {"batch": 8}}, {"data": {"size": 9}}]}
    write(folder, MANIFEST | {"request": asked, "conditions": {"settings": old}})
    run = Run.open(folder)
    assert settings_of(run).evaluation.shots == 2
    request = Request.from_dict(run.manifest["request"], folder / "manifest.json")
    assert request.set == ({"evaluation": {}}, {"data": {"size": 9}})


def test_a_manifest_of_an_earlier_version_may_lack_notes(folder):
    assert read_manifest(folder)["notes"] == []


KEPT = {"manifest.json": "run", "sweep.json": "sweep", "compose.json": "composition"}


@pytest.mark.parametrize(("kept", "made"), KEPT.items())
def test_the_name_of_a_folder_that_was_given_up_at_once_is_free(kept, made, tmp_path):
    for name in (".lock", ".owner", f".{kept}.tmp"):
        (tmp_path / name).touch()
    check_free(tmp_path, kept)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match=f"is no {made}; choose another name or remove it"):
        check_free(tmp_path, kept)
    (tmp_path / kept).touch()
    with pytest.raises(UsageError, match="exists already; `selfspec resume .*` goes on"):
        check_free(tmp_path, kept)


def test_a_run_that_could_not_write_its_manifest_can_be_begun_again(tmp_path, monkeypatch):
    def full(run):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "save_manifest", full)
        with pytest.raises(OSError, match="No space"):
            Run.create(tmp_path / "a", {})
    assert not in_use(tmp_path / "a")
    Run.create(tmp_path / "a", {}).close()


def test_a_lock_needs_no_room_on_the_disk(folder, monkeypatch):
    def full(path, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    monkeypatch.setattr(Path, "unlink", full)
    run = Run.open(folder, write=True)
    assert in_use(folder)
    run.close()
    assert not in_use(folder)


@pytest.mark.parametrize("name", ["round-1/x.jsonl", ".owner", ".manifest.json.tmp", "round-1"])
def test_a_run_of_somebody_else_does_not_reach_out_of_its_folder(folder, tmp_path, name):
    mine = tmp_path / "mine"
    mine.write_text("precious")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).symlink_to(mine)
    for write_it in (True, False):
        with pytest.raises(UsageError, match=f"demo/{name}: is a link out of runs/demo"):
            Run.open(folder, write=write_it)
    assert mine.read_text() == "precious"


def test_a_run_may_link_within_itself_but_holds_no_pipes(folder):
    (folder / "newest").symlink_to("manifest.json")
    Run.open(folder)
    os.mkfifo(folder / "seeds.jsonl")
    with pytest.raises(UsageError, match="seeds.jsonl: is neither a file nor a folder"):
        Run.open(folder)
