"""Models and adapters that are damaged, another's, or diverge: one line, and nothing is left."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import tiny_models
from safetensors.torch import load_file, save_file
from tiny_training import context, rows

from selfspec_core.components import Model
from selfspec_core.config import ModelSettings
from selfspec_core.contracts import held
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.model_types import Sampling
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.training.lora_trainer import LoraTrainer
from selfspec_plugins.training.tuned import save

ADAPTER = "adapter_model.safetensors"
GREEDY = Sampling(max_new_tokens=6)


def loaded(folder) -> Model:
    model = TransformersModel(ModelSettings(path=folder))
    model.load()
    return model


def refused(folder) -> str:
    with pytest.raises(UsageError) as caught:
        loaded(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_models.build(tmp_path_factory.mktemp("base"))


@pytest.fixture
def copied(base, tmp_path):
    return shutil.copytree(base, tmp_path / "copy")


def test_cut_weights_are_refused(copied):
    file = copied / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])
    said = refused(copied)
    assert "lack" not in said and "belong together" not in said  # the file is at fault, no model


def test_weights_that_lack_a_layer_are_not_drawn_at_random(copied):
    file = copied / "model.safetensors"
    tensors = load_file(file)
    gone = "model.layers.1.mlp.up_proj.weight"
    del tensors[gone]
    save_file(tensors, file, {"format": "pt"})
    assert f"the weights lack {gone}" in refused(copied)


def test_a_tokenizer_of_a_larger_model_is_refused(copied):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(copied)
    tokenizer.add_tokens([f"<more-{n}>" for n in range(1000)])
    tokenizer.save_pretrained(copied)
    assert "they do not belong together" in refused(copied)


REMOTE = """
from pathlib import Path
Path({mark!r}).touch()
from transformers import LlamaConfig, LlamaForCausalLM
class OwnConfig(LlamaConfig): model_type = "own"
class Own(LlamaForCausalLM): config_class = OwnConfig
"""


@pytest.mark.parametrize("asked", [False, True])
def test_code_of_a_model_runs_only_if_the_user_says_so(copied, tmp_path, monkeypatch, asked):
    mark = tmp_path / "was-run"
    (copied / "own.py").write_text(REMOTE.format(mark=str(mark)))
    config = json.loads((copied / "config.json").read_text())
    config |= {"auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.Own"}}
    config["model_type"] = "own"
    (copied / "config.json").write_text(json.dumps(config))
    model = TransformersModel(ModelSettings(path=copied, trust_remote_code=asked))
    if asked:
        model.load()
    else:
        with pytest.raises(UsageError, match="code of its own.*trust_remote_code"):
            model.load()
    assert mark.exists() == asked


def test_a_pickle_beside_something_that_only_looks_like_weights_is_not_read(copied, tmp_path):
    import torch

    class Bomb:
        def __reduce__(self):
            return (tmp_path / "exploded").touch, ()

    weights = load_file(copied / "model.safetensors")
    (copied / "model.safetensors").rename(copied / "other.safetensors")
    torch.save({"x": Bomb()}, copied / "pytorch_model.bin")
    refused(copied)
    assert not (tmp_path / "exploded").exists()
    torch.save(weights, copied / "pytorch_model.bin")  # torch itself would read this one
    refused(copied)


def test_a_model_of_nan_is_named_before_it_wins_a_comparison(copied):
    file = copied / "model.safetensors"
    tensors = {name: tensor * float("nan") for name, tensor in load_file(file).items()}
    save_file(tensors, file, {"format": "pt"})
    model = held(loaded(copied))
    assert len(model.generate(["a", "b"], GREEDY)) == 2
    with pytest.raises(SelfspecError, match=r"model 'transformers' .*`loglikelihood`.*nan instead"):
        model.loglikelihood([("a", "b")])


@pytest.fixture(scope="module")
def made(base, tmp_path_factory):
    """The base, an adapter of it, and what the two say."""
    model = loaded(base)
    folder = tmp_path_factory.mktemp("adapter")
    LoraTrainer().train(rows(8), folder, context(model, epochs=1), steps=1)
    return model, folder


def spoilt(folder, out, change):
    shutil.copytree(folder, out)
    change(out / ADAPTER)
    return out


def rewritten(change):
    def apply(file):
        tensors = load_file(file)
        change(tensors)
        save_file(tensors, file, {"format": "pt"})

    return apply


SPOILT = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "no safetensors": lambda file: file.write_bytes(b"\x80\x04pickle"),
    "empty": lambda file: file.write_bytes(b""),
    "a layer less": rewritten(lambda tensors: tensors.pop(min(tensors))),
    "a layer more": rewritten(
        lambda tensors: tensors.update(
            {min(tensors).replace(".0.", ".7."): tensors[min(tensors)] + 0}
        )
    ),
    "another width": rewritten(
        lambda tensors: tensors.update({k: t.repeat(2, 2) for k, t in tensors.items()})
    ),
    "nan": rewritten(lambda tensors: tensors[max(tensors)].fill_(float("nan"))),
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("first", [True, False])
def test_an_adapter_that_does_not_fit_is_refused_and_the_base_stays(made, tmp_path, how, first):
    model, folder = made
    model.release_adapters()
    before = model.generate(["Name the court"], GREEDY)
    if not first:
        model.use_adapter(folder)
    bad = spoilt(folder, tmp_path / "bad", SPOILT[how])
    with pytest.raises(SelfspecError, match="is no adapter of this model, or damaged") as caught:
        model.use_adapter(bad)
    assert str(bad) in str(caught.value) and "\n" not in str(caught.value)
    model.use_adapter(None)
    assert model.generate(["Name the court"], GREEDY) == before
    model.use_adapter(folder)
    model.use_adapter(None)


def test_a_loss_that_is_no_number_ends_the_training_and_leaves_no_adapter(base, tmp_path):
    model = loaded(base)
    before = model.generate(["Name the court"], GREEDY)
    with pytest.raises(
        SelfspecError, match=r"the loss of step \d is nan; .*training\.lr"
    ) as caught:
        LoraTrainer().train(rows(), tmp_path, context(model, lr=1e30), steps=4)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())
    assert model.generate(["Name the court"], GREEDY) == before


def test_weights_of_nan_after_the_last_step_are_not_saved(tmp_path):
    import torch

    broken = torch.nn.Linear(2, 2)
    torch.nn.init.constant_(broken.weight, math.inf)
    with pytest.raises(SelfspecError, match=r"after the last step; .*training\.lr"):
        save(broken, tmp_path, "base")
    assert not list(tmp_path.iterdir())


def test_a_context_of_128_tokens_is_enough_for_every_stage(tmp_path):
    config = tiny_models.config("llama")
    config.max_position_embeddings = 128
    model = loaded(tiny_models.build(tmp_path / "short", config))
    long = "The court held that rates rose. " * 200
    assert len(model.generate([long, "", "金融 مرحبا ☃"], Sampling(max_new_tokens=200))) == 3
    assert all(map(math.isfinite, model.loglikelihood([(long, " yes"), ("", long), ("", "x")])))
    long_rows = [type(r).from_dict({**r.to_dict(), "input": long}) for r in rows(4)]
    (tmp_path / "a").mkdir()
    LoraTrainer().train(long_rows, tmp_path / "a", context(model, epochs=1), steps=1)
    assert (tmp_path / "a" / ADAPTER).exists()
