"""The LoRA trainer: what a step sees, that packing changes nothing, and what is left behind."""

from __future__ import annotations

import json
import shutil

import pytest
import tiny_models
from tiny_training import PROMPT, WEIGHTS, context, rows

from selfspec_core.components import Model
from selfspec_core.config import ModelSettings
from selfspec_core.errors import SelfspecError
from selfspec_core.layouts import ALPACA, LAYOUTS
from selfspec_core.model_types import Sampling
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.training import lora_trainer
from selfspec_plugins.training.lora_trainer import ROWS_PER_FORWARD, LoraTrainer, encode
from selfspec_plugins.training.packing import (
    IGNORED,
    Encoded,
    collate,
    order_steps,
    pack,
    shorten,
    split,
)

every_architecture = pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)


@pytest.fixture(scope="module")
def trained(tiny, tmp_path_factory):
    """Returns `trained(architecture)`: the model, its folder and the adapter tuned on it."""
    done = {}

    def train(architecture="llama"):
        if architecture not in done:
            out = tmp_path_factory.mktemp(f"adapter-{architecture}")
            model = tiny(architecture)
            base = {name: value.clone() for name, value in model.hf.state_dict().items()}
            adapter = LoraTrainer().train(rows(), out, context(model), steps=None)
            done[architecture] = model, base, adapter
        return done[architecture]

    return train


def test_steps_count_examples_and_every_pass_has_its_own_order():
    ctx = context(None, batch=32, epochs=3)
    assert LoraTrainer().steps_of(300, ctx) == 30
    assert LoraTrainer().steps_of(5, ctx) == 3
    steps = order_steps(70, 32, 6, random_seed=1)
    assert [len(step) for step in steps] == [32, 32, 6] * 2
    first, second = sum(steps[:3], []), sum(steps[3:], [])
    assert sorted(first) == sorted(second) == list(range(70)) and first != second
    assert order_steps(70, 32, 6, 1) == steps != order_steps(70, 32, 6, 2)
    assert order_steps(70, 32, 4, 1) == steps[:4]


def test_packing_keeps_every_example_and_the_capacity():
    examples = [Encoded([i] * (3 + i % 11), 1) for i in range(40)]
    packed = pack(examples, 16)
    assert sorted(e.ids for row in packed for e in row) == sorted(e.ids for e in examples)
    assert all(sum(len(e.ids) for e in row) <= 16 for row in packed)
    assert len(packed) < 25
    assert [x for part in split(packed, 4) for x in part] == packed


def test_only_the_response_and_the_end_carry_loss(tiny):
    model = tiny()
    for row, example in zip(rows(), encode(rows(), ALPACA, model, 512), strict=True):
        prompt = ALPACA.prompt(row.instruction, row.input)
        assert model.tokenizer.decode(example.ids[: example.start]) == prompt
        labelled = [token for token in example.labels if token != IGNORED]
        assert labelled[-1] == model.tokenizer.eos_token_id
        assert model.tokenizer.decode(labelled[:-1]) == row.output


def test_rows_are_tuned_in_the_layout_of_the_recipe(tiny, tmp_path, monkeypatch):
    seen = []

    def noted(examples, layout, *rest):
        seen.append(layout)
        return encode(examples, layout, *rest)

    monkeypatch.setattr(lora_trainer, "encode", noted)
    asked = context(tiny(), layout="task")
    LoraTrainer().train(rows(2), tmp_path, asked, steps=1)
    assert seen == [LAYOUTS["task"]] == [asked.tuned_layout]


def test_too_long_an_example_keeps_its_response():
    ids = list(range(30))
    assert shorten(ids, 20, 30) == Encoded(ids, 20)
    short = shorten(ids, 20, 15)
    assert short == Encoded([0, *range(16, 30)], 5)
    assert short.labels[short.start :] == ids[20:]
    assert shorten(ids, 4, 10) == Encoded([0, *range(4, 13)], 1)


@every_architecture
@pytest.mark.parametrize("flat", [False, True])
def test_packed_logits_are_those_of_each_example_alone(tiny, architecture, flat):
    import torch

    model = tiny(architecture)
    examples = encode(rows(8), ALPACA, model, 512)
    packed = pack(examples, 2 * max(len(e.ids) for e in examples))
    batch = collate(packed, flat=flat)
    with torch.no_grad():
        inputs = {key: batch[key] for key in ("input_ids", "position_ids")}
        logits = model.hf(**inputs, use_cache=False).logits
        lines = [[e for row in packed for e in row]] if flat else packed
        assert len(lines) < len(examples)
        for line, got, labels in zip(lines, logits, batch["labels"], strict=True):
            at = 0
            for example in line:
                alone = model.hf(torch.tensor([example.ids])).logits[0]
                end = at + len(example.ids)
                assert (got[at:end] - alone).abs().max() < 1e-5 * alone.abs().max()
                assert labels[at:end].tolist() == example.labels
                at = end
            assert (labels[at:] == IGNORED).all()


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])  # GPT-2 trains with dropout
def test_first_loss_is_the_mean_over_the_response_tokens_of_the_step(trained, architecture):
    import torch

    model, _, adapter = trained(architecture)
    ctx = context(model)
    first = order_steps(20, 8, 1, ctx.random_seed_of("train") % 2**31)[0]
    total = count = 0
    for i in first:
        example = encode(rows(), ALPACA, model, 512)[i]
        with torch.no_grad():
            logs = model.hf(torch.tensor([example.ids])).logits[0].log_softmax(-1)
        for k in range(example.start, len(example.ids)):
            total, count = total - logs[k - 1, example.ids[k]].item(), count + 1
    assert adapter.loss[0] == pytest.approx(total / count, abs=1e-4)


@every_architecture
def test_it_learns_and_reports_what_it_did(trained, architecture):
    model, _, adapter = trained(architecture)
    assert (adapter.rows, adapter.steps) == (20, 6)
    assert adapter.tokens == 2 * sum(
        len(e.ids) - e.start for e in encode(rows(), ALPACA, model, 512)
    )
    assert adapter.loss[1] < adapter.loss[0]
    config = json.loads((adapter.path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == str(model.settings.path)
    assert (config["r"], config["lora_alpha"]) == (8, 16)
    assert config["fan_in_fan_out"] == (architecture == "gpt2")
    assert "lm_head" not in config["target_modules"]
    of_a_layer = {"gpt2": 4, "llama": 7, "qwen2": 7}[architecture]
    assert len(config["target_modules"]) == 2 * of_a_layer


@every_architecture
def test_the_resident_model_is_left_as_it_was(trained, architecture):
    import torch

    model, base, _ = trained(architecture)
    now = model.hf.state_dict()
    assert list(now) == list(base)
    assert all(torch.equal(now[name], base[name]) for name in base)
    assert "forward" not in vars(model.hf) and not model.hf.training


@every_architecture
def test_adapter_on_is_plain_peft_and_off_is_the_base(trained, architecture):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model, _, adapter = trained(architecture)
    ids = torch.tensor([model.tokenizer(PROMPT).input_ids])
    sampling = Sampling(max_new_tokens=12)
    plain = AutoModelForCausalLM.from_pretrained(model.settings.path)
    with torch.no_grad():
        base = plain(ids).logits
        tuned = PeftModel.from_pretrained(plain, adapter.path).eval()
        text = model.generate([PROMPT], sampling)
        model.use_adapter(adapter.path)
        on = model.hf(ids).logits
        spoken = model.generate([PROMPT], sampling)[0]
        model.use_adapter(None)
        assert torch.equal(model.hf(ids).logits, base)
        assert (on - tuned(ids).logits).abs().max() < 1e-5
        new = tuned.generate(input_ids=ids, max_new_tokens=12, do_sample=False, pad_token_id=0)
    new = new[0, ids.shape[1] :]
    assert spoken == model.tokenizer.decode(new, skip_special_tokens=True)
    assert model.generate([PROMPT], sampling) == text


def test_few_adapters_stay_in_memory_and_a_changed_file_is_read_again(trained, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    model, _, adapter = trained()
    for i in range(6):
        shutil.copytree(adapter.path, tmp_path / str(i))
        model.use_adapter(tmp_path / str(i))
    assert len(model.adapters) == 4
    ids = torch.tensor([model.tokenizer(PROMPT).input_ids])
    with torch.no_grad():
        before = model.hf(ids).logits
        file = tmp_path / "5" / WEIGHTS
        save_file({name: value * 2 for name, value in load_file(file).items()}, file)
        model.use_adapter(tmp_path / "5")
        assert not torch.equal(model.hf(ids).logits, before)
    model.use_adapter(None)
    model.release_adapters()


def weights(adapter):
    return (adapter.path / WEIGHTS).read_bytes()


def test_same_bytes_again_and_other_bytes_for_another_seed(trained, tmp_path):
    model, _, adapter = trained()
    model.use_adapter(adapter.path)  # whatever is switched on is no part of the training
    again = LoraTrainer().train(rows(), tmp_path / "again", context(model), steps=None)
    assert weights(again) == weights(adapter)
    config = (again.path / "adapter_config.json").read_text()
    assert config == (adapter.path / "adapter_config.json").read_text()
    ctx = context(model)
    ctx.round = 2
    other = LoraTrainer().train(rows(), tmp_path / "other", ctx, steps=None)
    assert weights(other) != weights(adapter)


def test_on_a_four_bit_base_gradients_are_right_and_the_base_stays(tiny, tmp_path):
    import torch
    from bitsandbytes.functional import dequantize_4bit
    from safetensors.torch import load_file

    folder = tiny_models.build(tmp_path / "model")
    model = TransformersModel(ModelSettings(path=folder, quantization="nf4"))
    model.load()
    assert model.describe()["quantization"] == "nf4"
    before = {name: value.clone() for name, value in model.hf.state_dict().items()}
    text = model.generate([PROMPT], Sampling(max_new_tokens=8))  # comes before training in a run
    first = LoraTrainer().train(rows(), tmp_path / "1", context(model), steps=3)
    again = LoraTrainer().train(rows(), tmp_path / "2", context(model), steps=3)
    assert weights(first) == weights(again)
    assert {value.dtype for value in load_file(first.path / WEIGHTS).values()} == {torch.float32}
    now = model.hf.state_dict()
    assert all(torch.equal(now[name], value) for name, value in before.items())
    assert model.generate([PROMPT], Sampling(max_new_tokens=8)) == text
    exact = TransformersModel(ModelSettings(path=folder))
    exact.load()
    for name, module in exact.hf.named_modules():  # the same weights, dequantized
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            quantized = model.hf.get_submodule(name).weight
            module.weight.data = dequantize_4bit(quantized.data, quantized.quant_state)
    other = LoraTrainer().train(rows(), tmp_path / "3", context(exact), steps=3)
    assert other.loss == pytest.approx(first.loss, abs=1e-3)


def test_steps_can_be_set_and_cycle_over_the_rows(tiny, tmp_path):
    adapter = LoraTrainer().train(rows(5), tmp_path, context(tiny()), steps=4)
    assert (adapter.rows, adapter.steps) == (5, 4)


def test_gradient_checkpointing_leaves_nothing_behind(trained, tmp_path):
    model, _, adapter = trained()
    ctx = context(model, gradient_checkpointing=True)
    other = LoraTrainer().train(rows(), tmp_path, ctx, steps=None)
    assert other.loss == pytest.approx(adapter.loss, abs=1e-4)
    assert not model.hf.is_activation_checkpointing


def test_out_of_memory_accumulates_over_fewer_rows(trained, tmp_path, monkeypatch):
    import torch

    from selfspec_plugins.training import sft

    model, _, adapter = trained()

    def short_of_memory(lines, **options):
        if len(lines) > 3:
            raise torch.OutOfMemoryError
        return collate(lines, **options)

    monkeypatch.setattr(sft, "collate", short_of_memory)
    ctx = context(model)
    other = LoraTrainer().train(rows(), tmp_path, ctx, steps=None)
    assert ctx.decisions[ROWS_PER_FORWARD] <= 3
    assert other.loss == pytest.approx(adapter.loss, abs=1e-3)
    assert other.steps == adapter.steps


def test_nothing_to_train_on_and_no_model_to_train_are_errors(tiny, tmp_path):
    with pytest.raises(SelfspecError, match="nothing to train on"):
        LoraTrainer().train([], tmp_path, context(tiny()), steps=None)

    class Server(Model):
        name, summary = "server", ""

    with pytest.raises(SelfspecError, match="'server'"):
        LoraTrainer().train(rows(), tmp_path, context(Server()), steps=None)
