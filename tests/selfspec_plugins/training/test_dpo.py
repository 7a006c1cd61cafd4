"""Tuning on pairs: chosen answers gain on rejected ones, and nothing else is touched."""

from __future__ import annotations

import hashlib
import math
from types import SimpleNamespace

import pytest
import tiny_models
from tiny_training import PROMPT, WEIGHTS, context, rows

from selfspec_core.components import Model
from selfspec_core.errors import SelfspecError
from selfspec_core.layouts import ALPACA
from selfspec_core.model_types import Sampling
from selfspec_core.types import Pair
from selfspec_plugins.training import dpo
from selfspec_plugins.training.dpo import collate, order_pairs
from selfspec_plugins.training.lora_trainer import PAIRS_PER_FORWARD, LoraTrainer
from selfspec_plugins.training.packing import Encoded

PREFER = {"lr": 1e-2, "epochs": 3, "batch": 4, "beta": 0.5}
some_architectures = pytest.mark.parametrize("architecture", ["llama", "gpt2"])


def pairs():
    answers = "court price rates contract sentence".split()
    return [
        Pair(
            row.id,
            row.task,
            row.kind,
            row.instruction,
            row.input,
            row.output,
            answers[(n + 2) % 5],
            "majority",
            0.6,
            0.2,
            1,
            0,
        )
        for n, row in enumerate(rows(10))
    ]


def preferring(model, **changes):
    made = context(model, **{key: changes.pop(key) for key in list(changes) if key == "batch"})
    table = made.settings.preference.model_copy(update=PREFER | changes)
    made.settings = made.settings.model_copy(update={"preference": table})
    return made


def margins(model, adapter):
    """Returns how much likelier each chosen answer is than its rival, in nats."""
    model.use_adapter(adapter)
    asked = [
        (ALPACA.prompt(pair.instruction, pair.input), ALPACA.response(answer))
        for pair in pairs()
        for answer in (pair.chosen, pair.rejected)
    ]
    sums = model.loglikelihood(asked)
    model.use_adapter(None)
    return [a - b for a, b in zip(sums[::2], sums[1::2], strict=True)]


def digest(folder):
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def tuned(tiny, tmp_path_factory):
    """Returns `tuned(architecture)`: a model and an adapter that has hardly learned anything."""
    done = {}

    def train(architecture="llama"):
        if architecture not in done:
            model = tiny(architecture)
            out = tmp_path_factory.mktemp(f"sft-{architecture}")
            done[architecture] = model, LoraTrainer().train(rows(), out, context(model), steps=1)
        return done[architecture]

    return train


@some_architectures
def test_chosen_answers_gain_on_rejected_ones(tuned, tmp_path, architecture):
    model, sft = tuned(architecture)
    before = margins(model, sft.path)
    kept = digest(sft.path)
    adapter = LoraTrainer().prefer(pairs(), sft.path, tmp_path, preferring(model, epochs=10))
    after = margins(model, adapter.path)
    assert sum(after) > sum(before) + len(before)  # more than a nat a pair
    assert sum(b > a for a, b in zip(before, after, strict=True)) >= 8
    assert (adapter.rows, adapter.steps) == (10, 25)
    assert adapter.loss[1] < adapter.loss[0]
    assert digest(sft.path) == kept != digest(adapter.path)


@some_architectures
def test_it_is_the_specialist_that_goes_on(tuned, tmp_path, architecture):
    """With hardly a step taken the result is the specialist, and so is the reference."""
    import torch
    from safetensors.torch import load_file

    model, sft = tuned(architecture)
    settings = preferring(model, lr=1e-12, epochs=0.1)
    adapter = LoraTrainer().prefer(pairs(), sft.path, tmp_path, settings)
    assert adapter.loss[0] == pytest.approx(math.log(2), abs=1e-4)  # nothing is preferred yet
    old, new = load_file(sft.path / WEIGHTS), load_file(adapter.path / WEIGHTS)
    assert old.keys() == new.keys()
    assert all(torch.allclose(old[name], new[name], atol=1e-6) for name in old)


@some_architectures
def test_a_plain_adapter_for_peft_gives_what_the_model_says(tuned, tmp_path, architecture):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model, sft = tuned(architecture)
    adapter = LoraTrainer().prefer(pairs(), sft.path, tmp_path, preferring(model))
    names = sorted(path.name for path in adapter.path.iterdir())
    assert names == ["adapter_config.json", WEIGHTS]
    base = AutoModelForCausalLM.from_pretrained(model.settings.path)
    plain = PeftModel.from_pretrained(base, adapter.path).eval()
    ids = model.tokenizer(PROMPT, return_tensors="pt").input_ids
    said = plain.generate(ids, max_new_tokens=6, do_sample=False, pad_token_id=0)[0, ids.shape[1] :]
    model.use_adapter(adapter.path)
    [ours] = model.generate([PROMPT], Sampling(max_new_tokens=6))
    model.use_adapter(None)
    assert model.tokenizer.decode(said, skip_special_tokens=True) == ours


def test_the_resident_model_is_left_as_it_was(tuned, tmp_path):
    import torch

    model, sft = tuned("gpt2")
    hf = model.release_adapters()
    weights = {name: value.clone() for name, value in hf.state_dict().items()}
    dropout = [m.p for m in hf.modules() if isinstance(m, torch.nn.Dropout)]
    padding = hf.config.pad_token_id, hf.generation_config.pad_token_id
    held = set(vars(hf))
    text = model.generate([PROMPT], Sampling(max_new_tokens=8))
    assert any(dropout)
    LoraTrainer().prefer(pairs(), sft.path, tmp_path, preferring(model))
    now = hf.state_dict()
    assert now.keys() == weights.keys()
    assert all(torch.equal(now[name], value) for name, value in weights.items())
    assert [m.p for m in hf.modules() if isinstance(m, torch.nn.Dropout)] == dropout
    assert (hf.config.pad_token_id, hf.generation_config.pad_token_id) == padding
    assert set(vars(hf)) == held and not hf.training
    assert model.generate([PROMPT], Sampling(max_new_tokens=8)) == text


def test_the_same_bytes_twice_and_others_in_another_round(tuned, tmp_path):
    model, sft = tuned()
    settings = preferring(model)
    made = [LoraTrainer().prefer(pairs(), sft.path, tmp_path / n, settings) for n in "ab"]
    assert digest(made[0].path) == digest(made[1].path)
    settings.round = 2
    other = LoraTrainer().prefer(pairs(), sft.path, tmp_path / "c", settings)
    assert digest(other.path) != digest(made[0].path)


def test_out_of_memory_accumulates_over_fewer_pairs(tuned, tmp_path, monkeypatch):
    import torch

    model, sft = tuned()
    whole = LoraTrainer().prefer(pairs(), sft.path, tmp_path / "a", preferring(model))

    def short_of_memory(some, padding):
        if len(some) > 1:
            raise torch.OutOfMemoryError
        return collate(some, padding)

    monkeypatch.setattr(dpo, "collate", short_of_memory)
    settings = preferring(model)
    settings.decisions.clear()
    try:
        other = LoraTrainer().prefer(pairs(), sft.path, tmp_path / "b", settings)
        assert settings.decisions[PAIRS_PER_FORWARD] == 1
    finally:
        settings.decisions.clear()
    assert other.loss == pytest.approx(whole.loss, abs=1e-3)
    assert other.steps == whole.steps


def test_steps_are_full_and_pass_over_all_pairs():
    steps = order_pairs(10, 4, 2, random_seed=1)
    assert [len(step) for step in steps] == [4] * 5
    line = sum(steps, [])
    assert sorted(line[:10]) == sorted(line[10:]) == list(range(10)) and line[:10] != line[10:]
    assert order_pairs(10, 4, 2, 1) == steps != order_pairs(10, 4, 2, 2)
    assert [len(step) for step in order_pairs(3, 16, 1, 0)] == [3]
    assert len(order_pairs(10, 4, 1, 0)) == 3  # what the third lacks is from one more pass


@pytest.mark.parametrize(
    ("count", "batch", "epochs"), [(17, 16, 3), (10, 4, 2), (3, 16, 1), (5, 4, 0.1)]
)
def test_as_many_steps_are_taken_as_are_announced(count, batch, epochs):
    preference = SimpleNamespace(batch=batch, epochs=epochs)
    ctx = SimpleNamespace(settings=SimpleNamespace(preference=preference))
    taken = len(order_pairs(count, batch, epochs, 0))
    assert LoraTrainer().pair_steps_of(count, ctx) == taken


def test_loss_is_on_answers_alone():
    pair = Encoded([5, 6, 7], 2), Encoded([5, 6, 8, 9], 2)
    batch = collate([pair], padding=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7, 0], [5, 6, 8, 9]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch["completion_mask"].tolist() == [[0, 0, 1, 0], [0, 0, 1, 1]]


def test_a_loss_that_is_no_number_names_the_setting_of_this_training(tuned, tmp_path):
    model, sft = tuned()
    with pytest.raises(SelfspecError, match=r"^preference: .*\(preference\.lr\) may help"):
        LoraTrainer().prefer(pairs(), sft.path, tmp_path, preferring(model, epochs=4, lr=1e30))
    assert not list(tmp_path.iterdir())


def test_a_model_of_another_backend_is_refused(tmp_path):
    class Server(Model):
        name, summary = "server", ""

    with pytest.raises(SelfspecError, match="'server'"):
        LoraTrainer().prefer(pairs(), tmp_path, tmp_path, preferring(Server()))


def test_a_four_bit_base_takes_pairs(tmp_path):
    import torch
    from safetensors.torch import load_file

    from selfspec_core.config import ModelSettings
    from selfspec_plugins.local.transformers_model import TransformersModel

    folder = tiny_models.build(tmp_path / "model")
    model = TransformersModel(ModelSettings(path=folder, quantization="nf4"))
    model.load()
    sft = LoraTrainer().train(rows(), tmp_path / "sft", context(model), steps=1)
    before = margins(model, sft.path)
    settings = preferring(model, epochs=10)
    adapter = LoraTrainer().prefer(pairs(), sft.path, tmp_path / "dpo", settings)
    assert sum(margins(model, adapter.path)) > sum(before) + len(before)
    assert {v.dtype for v in load_file(adapter.path / WEIGHTS).values()} == {torch.float32}
