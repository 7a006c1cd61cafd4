"""One training on several processes: what one alone does, and one clear line where it cannot be."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
import tiny_models
from tiny_training import context, rows

from selfspec_core.config import ModelSettings, TrainingSettings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.types import TrainingJob
from selfspec_plugins.local import loading
from selfspec_plugins.local.memory import OutOfMemory
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.local.workers import Gone
from selfspec_plugins.training import ranks
from selfspec_plugins.training.lora_trainer import LoraTrainer

WEIGHTS = "adapter_model.safetensors"
LINE = "training process 2 of 2 is gone (code -9); `selfspec resume` goes on with the training"
PAGE = Path(__file__).parents[3] / "plugins/ENGINES.md"
[FSDP] = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


class Rank:
    """A worker without a process."""

    def __init__(self, answer, number):
        self._answer, self.name = answer, f"training process {number} of 2"

    def wait_until_ready(self):
        pass

    def run(self, question, adapter, advance):
        advance(1)
        return self._answer()


def answered(*answers):
    told = []
    workers = [Rank(answer, number) for number, answer in enumerate(answers, 1)]
    return ranks._answers(workers, ("fit", ()), told.append), told


def fails(error):
    def answer():
        raise error

    return answer


def test_the_first_rank_speaks_for_all():
    assert answered(lambda: [1.0], lambda: [2.0]) == ([1.0], [1])


def test_who_is_gone_is_named_though_the_other_one_fails_first():
    failed = threading.Event()

    def lost_the_other():
        failed.set()
        raise SelfspecError("in training process 1 of 2: Connection closed by peer")

    def gone():
        assert failed.wait(10)
        raise Gone("code -9")

    with pytest.raises(SelfspecError) as caught:
        answered(lost_the_other, gone)
    assert str(caught.value) == LINE


def test_what_fails_in_all_of_them_is_said_once(monkeypatch):
    monkeypatch.setattr(ranks, "PATIENCE", 0.2)
    with pytest.raises(SelfspecError, match="no such thing"):
        answered(fails(SelfspecError("no such thing")), threading.Event().wait)


def test_too_little_memory_in_one_is_too_little_for_all():
    with pytest.raises(OutOfMemory):
        answered(threading.Event().wait, fails(OutOfMemory()))


def refused(processes=2, accelerate=None, device="auto"):
    training = TrainingSettings(processes=processes, accelerate=accelerate)
    with pytest.raises(UsageError) as caught:
        ranks.check(training, ModelSettings(device=device))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_cannot_train_here_is_refused_before_anything_is_done(monkeypatch, tmp_path):
    import torch

    ranks.check(TrainingSettings(processes=2), ModelSettings())
    assert "needs GPUs; there are none" in refused(accelerate=tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert refused(4) == "training.processes = 4: there are only 2 GPUs here"
    ranks.check(TrainingSettings(processes=4), ModelSettings(device="cpu"))
    assert "no such file" in refused(accelerate=tmp_path / "absent.yaml")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "WORLD_SIZE=2" in refused(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("num_processes: 4", "num_processes: 8"), "num_processes: 8, but training.processes = 4"),
        (("num_machines: 1", "num_machines: 2"), "num_machines: 2: expected 1"),
        (("_type: FSDP", "_type: DEEPSPEED"), "expected FSDP or MULTI_GPU"),
        (("num_machines", "number_machines"), "number_machines"),
        ((FSDP, "- just\n- a list\n"), ""),
    ],
)
def test_a_configuration_that_cannot_be_is_refused_in_a_line(change, said, tmp_path):
    file = tmp_path / "accelerate.yaml"
    file.write_text(FSDP.replace(*change))
    with pytest.raises(UsageError) as caught:
        ranks.configured(TrainingSettings(processes=4, accelerate=file))
    assert str(caught.value).startswith(f"training.accelerate = {file}: ")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_configuration_becomes_what_accelerate_would_set(tmp_path):
    file = tmp_path / "accelerate.yaml"
    file.write_text(FSDP)
    found = ranks.configured(TrainingSettings(processes=4, accelerate=file))
    assert found["ACCELERATE_USE_FSDP"] == "true"
    assert found["FSDP_STATE_DICT_TYPE"] == "FULL_STATE_DICT"
    assert found["FSDP_SHARDING_STRATEGY"] == "FULL_SHARD"
    assert ranks.configured(TrainingSettings(processes=4)) == {}


def test_the_resident_model_is_loaded_once_after_all_trainings(tmp_path, monkeypatch):
    class Stands(Rank):
        """In the place of a rank; the model has to have made room for it."""

        def __init__(self, cls, settings, environment, name):
            super().__init__(lambda: [1.0], 1)
            assert model.hf is None

    model = TransformersModel(ModelSettings(path=tiny_models.build(tmp_path / "model")))
    model.load()
    loads, load = [], loading.load
    monkeypatch.setattr(loading, "load", lambda settings: loads.append(1) or load(settings))
    monkeypatch.setattr(ranks, "Worker", Stands)
    monkeypatch.setattr(ranks, "end", lambda workers, error=None: None)
    jobs = [TrainingJob(rows(), tmp_path / name) for name in "abc"]
    made = list(LoraTrainer().train_all(jobs, context(model, processes=2)))
    assert [one.loss for one in made] == [(1.0, 1.0)] * 3
    assert loads == [1] and model.hf is not None


@pytest.mark.slow  # each process imports torch, transformers and trl
def test_two_processes_tune_as_one_does(tmp_path):
    from safetensors.torch import load_file

    model = TransformersModel(ModelSettings(path=tiny_models.build(tmp_path / "model")))
    made = []
    for processes in (1, 2):
        model.load()
        out = tmp_path / str(processes)
        out.mkdir()
        ctx = context(model, processes=processes)
        made.append(LoraTrainer().train(rows(), out, ctx))
    alone, both = made
    assert (both.rows, both.steps, both.tokens) == (alone.rows, alone.steps, alone.tokens)
    assert both.loss == pytest.approx(alone.loss, abs=1e-4)
    ours, theirs = (load_file(one.path / WEIGHTS) for one in made)
    assert all((ours[name] - theirs[name]).abs().max() < 1e-3 for name in ours)
    assert {file.name for file in both.path.iterdir()} == {"adapter_config.json", WEIGHTS}
    config = [(one.path / "adapter_config.json").read_text() for one in made]
    assert config[0] == config[1]
    assert model.generate(["Rates rose"], _few())[0]  # it is there again


@pytest.mark.slow
def test_a_rank_that_is_killed_ends_the_training_with_one_line(tmp_path):
    model = TransformersModel(ModelSettings(path=tiny_models.build(tmp_path / "model")))
    model.load()
    ctx = context(model, processes=2, epochs=200)
    workers = []

    class Watched(ranks.Worker):
        def __init__(self, *given):
            super().__init__(*given)
            workers.append(self)

    class Kills(type(ctx.progress)):
        def advance(self, done=1):
            workers[1]._process.kill()

    ctx.progress = Kills()
    (tmp_path / "out").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "Worker", Watched)
        with pytest.raises(SelfspecError) as caught:
            LoraTrainer().train(rows(), tmp_path / "out", ctx)
    assert str(caught.value) == LINE
    assert all(worker._process.poll() is not None for worker in workers)
    assert not list((tmp_path / "out").iterdir())


def _few():
    from selfspec_core.model_types import Sampling

    return Sampling(max_new_tokens=4)
