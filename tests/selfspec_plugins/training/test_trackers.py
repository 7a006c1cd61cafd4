"""Trackers: what they are told, where it lies, and that nothing else changes."""

from __future__ import annotations

import os
import sys

import pytest

from selfspec_core.assembly.request import check_settings
from selfspec_core.components import Context
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError
from selfspec_core.plugins import PluginHost
from selfspec_core.types import Seed
from selfspec_plugins.scripted import Scripted
from selfspec_plugins.training.lora_trainer import LoraTrainer
from selfspec_plugins.training.trackers import log_folder

ROWS = [
    Seed(
        f"s{i}",
        "t",
        "open_qa",
        "Name the price",
        "x " * (i % 5),
        "price court rates".split()[i % 3],
    )
    for i in range(12)
]


def settings(*trackers):
    training = {"batch": 4, "lr": 1e-2, "epochs": 2, "report_to": trackers}
    return Settings.model_validate({"training": training})


def train(tiny, out, *trackers):
    out.mkdir(parents=True)
    context = Context("nowhere", tiny(), settings(*trackers), seeds=())
    return LoraTrainer().train(ROWS, out, context, steps=None)


def weights(adapter):
    return (adapter.path / "adapter_model.safetensors").read_bytes()


def test_tensorboard_gets_the_loss_of_each_step_and_the_adapter_stays_the_same(tiny, tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    silent = train(tiny, tmp_path / "silent" / ".adapter.tmp")
    told = train(tiny, tmp_path / "told" / ".adapter.tmp", "tensorboard")
    assert weights(told) == weights(silent)
    assert told.loss == silent.loss
    assert {path.name for path in (tmp_path / "silent").iterdir()} == {".adapter.tmp"}
    assert [path.name for path in told.path.rglob("*tfevents*")] == []

    events = EventAccumulator(str(tmp_path / "told" / "logs" / "adapter"))
    events.Reload()
    losses = events.Scalars("train/loss")
    assert [event.step for event in losses] == list(range(1, told.steps + 1))
    assert losses[0].value == pytest.approx(told.loss[0])
    assert losses[-1].value == pytest.approx(told.loss[1])
    assert not {"TENSORBOARD_LOGGING_DIR", "WANDB_DIR", "WANDB_NAME"} & set(os.environ)


@pytest.mark.parametrize(
    ("out", "logs"),
    [
        ("runs/a/round-1/.adapter.tmp", "runs/a/logs/round-1/adapter"),
        ("runs/a/round-2/controls/.seeds-only.tmp", "runs/a/logs/round-2/controls/seeds-only"),
        ("somewhere/mine", "somewhere/logs/mine"),
    ],
)
def test_logs_lie_in_the_run_and_in_no_round(tmp_path, out, logs):
    assert log_folder(tmp_path / out) == tmp_path / logs


def test_a_training_that_starts_again_begins_its_log_anew(tiny, tmp_path):
    pytest.importorskip("tensorboard")
    left = tmp_path / "logs" / "adapter" / "events.out.tfevents.0"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of an interrupted training")
    train(tiny, tmp_path / ".adapter.tmp", "tensorboard")
    [only] = left.parent.iterdir()
    assert only != left


def test_each_training_is_a_run_of_its_own_in_wandb(tiny, tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    for name in ("adapter", "seeds-only"):
        train(tiny, tmp_path / f".{name}.tmp", "wandb")
        assert wandb.run is None
        assert len(list((tmp_path / "logs" / name / "wandb").glob("offline-run-*/*.wandb"))) == 1


@pytest.mark.parametrize("tracker", ["tensorboard", "wandb"])
def test_a_tracker_that_is_not_installed_is_an_error_before_anything_runs(monkeypatch, tracker):
    monkeypatch.setitem(sys.modules, tracker, None)
    host = PluginHost(third_party=False)
    host.load_defaults()
    with pytest.raises(UsageError, match=f"report_to: {tracker} is not installed; pip install"):
        check_settings(settings(tracker), host, Scripted())
