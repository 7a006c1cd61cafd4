"""A training that is stopped goes on where it stood, and ends in the bytes of one that was not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny_models
import tiny_runs
from tiny_training import WEIGHTS, context, rows

from selfspec_core.progress import Silent
from selfspec_plugins.training import checkpoints, sft
from selfspec_plugins.training.checkpoints import Checkpoints, digest, held_back
from selfspec_plugins.training.lora_trainer import LoraTrainer
from selfspec_plugins.training.packing import Encoded, collate


class Stop(KeyboardInterrupt):
    """What the command line makes of a signal."""


@pytest.fixture(autouse=True)
def as_the_command_line():
    def stop(number, _):
        raise Stop(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in numbers}
    yield stop
    for number, how in before.items():
        signal.signal(number, how)


class StopsAfter(Silent):
    """Sends a signal after so many steps."""

    def __init__(self, steps=0):
        self.left, self.done = steps, 0

    def advance(self, done=1):
        self.done += done
        if self.left and self.done == self.left:
            os.kill(os.getpid(), signal.SIGTERM)


def train(model, out, steps=0, **training):
    ctx = context(model, **training)
    ctx.progress = StopsAfter(steps)
    out.mkdir(exist_ok=True)
    return LoraTrainer().train(rows(), out, ctx), ctx.progress.done


@pytest.mark.parametrize("after", [1, 4, 6])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_stopped_and_gone_on_with_it_has_the_same_bytes(
    tiny, tmp_path, monkeypatch, after, dropout
):
    model = tiny()
    whole, steps = train(model, tmp_path / ".whole.tmp", dropout=dropout)
    assert steps == 6
    with pytest.raises(Stop):
        train(model, tmp_path / ".cut.tmp", after, dropout=dropout)
    assert not list((tmp_path / ".cut.tmp").iterdir())
    assert (tmp_path / ".cut.kept").is_dir()
    forwards = []

    def counted(lines, **options):
        forwards.append(len(lines))
        return collate(lines, **options)

    monkeypatch.setattr(sft, "collate", counted)
    again, steps = train(model, tmp_path / ".cut.tmp", dropout=dropout)
    assert (len(forwards), steps) == (6 - after, 6)
    assert (again.loss, again.steps) == (whole.loss, whole.steps)
    assert (again.path / WEIGHTS).read_bytes() == (whole.path / WEIGHTS).read_bytes()
    assert not (tmp_path / ".cut.kept").exists()


def test_where_a_training_stands_is_kept_from_time_to_time(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "PERIOD", 0.0)
    kept, of_old = [], Checkpoints.kept

    def kept_too(self, name):
        of_old(self, name)
        kept.append([path.name for path in self.folder.glob("checkpoint-*")])

    monkeypatch.setattr(Checkpoints, "kept", kept_too)
    often, _ = train(tiny(), tmp_path / "often")
    monkeypatch.setattr(checkpoints, "PERIOD", 300.0)
    never, _ = train(tiny(), tmp_path / "never")
    assert kept == [[f"checkpoint-{step}"] for step in range(1, 7)]
    assert (often.path / WEIGHTS).read_bytes() == (never.path / WEIGHTS).read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"often", "never"}


def test_another_training_does_not_go_on_there(tiny, tmp_path):
    with pytest.raises(Stop):
        train(tiny(), tmp_path / "one", 3)
    other, _ = train(tiny(), tmp_path / "one", lr=2e-2)
    fresh, _ = train(tiny(), tmp_path / "two", lr=2e-2)
    assert (other.path / WEIGHTS).read_bytes() == (fresh.path / WEIGHTS).read_bytes()


def test_what_was_not_kept_to_its_end_is_not_used(tmp_path):
    one = Checkpoints(tmp_path / ".adapter.tmp", "x")
    assert one.newest() is None
    (one.folder / "checkpoint-3").mkdir(parents=True)
    assert one.newest() is None
    one.kept("checkpoint-3")
    assert one.newest() == tmp_path / ".adapter.kept/x/checkpoint-3"


def test_a_checkpoint_is_on_the_disk_before_it_is_named(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def watched(number):
        synced.append(Path(os.readlink(f"/proc/self/fd/{number}")).name)
        fsync(number)

    one = Checkpoints(tmp_path / "adapter", "x")
    (one.folder / "checkpoint-3").mkdir(parents=True)
    (one.folder / "checkpoint-3/optimizer.pt").write_bytes(b"state")
    monkeypatch.setattr(os, "fsync", watched)
    one.kept("checkpoint-3")
    assert synced == ["optimizer.pt", "checkpoint-3", ".newest.tmp", "x"]


def test_a_training_is_known_by_all_it_depends_on():
    from selfspec_core.config import TrainingSettings

    def known(micro, parts=1, seed=0, **settings):
        return digest(micro, parts, TrainingSettings(**settings), seed)

    a, b = Encoded([1, 2, 3], 1), Encoded([4, 5], 1)
    some = [
        known([[[a, b]]]),
        known([[[a], [b]]]),
        known([[[a]], [[b]]]),
        known([[[b, a]]]),
        known([[[a, Encoded([4, 5], 2)]]]),
        known([[[a, b]]], parts=2),
        known([[[a, b]]], seed=1),
        known([[[a, b]]], lr=1.0),
    ]
    assert len(set(some)) == len(some) and some[0] == known([[[a, b]]])


def test_a_signal_waits_for_the_end_of_the_block_and_a_second_does_not(as_the_command_line):
    with pytest.raises(Stop), held_back() as asked:
        os.kill(os.getpid(), signal.SIGHUP)
        assert asked.number == signal.SIGHUP
    assert signal.getsignal(signal.SIGHUP) is as_the_command_line
    late = False
    with pytest.raises(Stop), held_back():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        late = True
    assert not late and signal.getsignal(signal.SIGTERM) is as_the_command_line


def test_ctrl_c_waits_too_and_says_so(as_the_command_line, capfd):
    with pytest.raises(Stop), held_back() as asked:
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.number == signal.SIGINT
    assert "Ctrl-C again ends it at once" in capfd.readouterr().err


def test_a_block_that_fails_swallows_no_signal(as_the_command_line):
    with pytest.raises(Stop) as caught, held_back():
        os.kill(os.getpid(), signal.SIGTERM)
        raise MemoryError
    assert isinstance(caught.value.__context__, MemoryError)


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with held_back() as asked:
        os.kill(os.getpid(), signal.SIGHUP)
    assert not asked.number


@pytest.mark.slow  # three processes that import torch, transformers and trl
def test_a_run_that_is_told_to_end_while_it_trains_goes_on_there(tmp_path):
    seeds = "".join(json.dumps(tiny_runs.seed(number)) + "\n" for number in range(24))
    (tmp_path / "seeds.jsonl").write_text(seeds)
    tiny_models.build(tmp_path / "model")
    command = [sys.executable, "-m", "selfspec_core"]
    settings = ["data.size=0", "evaluation.controls=[]", "training.batch=2", "training.epochs=20"]
    run = [*command, *"run --seeds seeds.jsonl --model ./model".split()]
    run += [word for setting in settings for word in ("--set", setting)]
    alone = subprocess.Popen([*run, "--name", "whole"], cwd=tmp_path, stderr=subprocess.DEVNULL)
    with (tmp_path / "said").open("wb") as said:
        cut = subprocess.Popen([*run, "--name", "cut"], cwd=tmp_path, stderr=said)
        folder = tmp_path / "runs/cut/round-1"
        while cut.poll() is None and not (folder / ".adapter.kept").exists():
            time.sleep(0.01)  # it is made when a training begins
        cut.terminate()
        assert cut.wait() == 128 + signal.SIGTERM
    *_, last = (tmp_path / "said").read_text().splitlines()
    assert last == "Error: stopped by SIGTERM; nothing is lost: `selfspec resume cut` goes on"
    [newest] = folder.glob(".adapter.kept/*/newest")
    assert int(newest.read_text().removeprefix("checkpoint-")) < 240
    subprocess.run([*command, "resume", "cut"], cwd=tmp_path, check=True, capture_output=True)
    assert alone.wait() == 0
    whole = tmp_path / "runs/whole/round-1"
    files = {file.relative_to(whole) for file in whole.rglob("*") if file.is_file()}
    assert files == {file.relative_to(folder) for file in folder.rglob("*") if file.is_file()}
    for file in files:
        assert (whole / file).read_bytes() == (folder / file).read_bytes(), file
