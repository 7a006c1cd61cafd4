"""The transformers backend against plain transformers, row by row."""

from __future__ import annotations

import shutil

import pytest
import tiny_models

from selfspec_core.config import ModelSettings
from selfspec_core.errors import UsageError
from selfspec_core.model_types import Sampling
from selfspec_core.progress import Silent
from selfspec_plugins.local.batches import common_prefix, plan
from selfspec_plugins.local.engine import Engine
from selfspec_plugins.local.lanes import Lanes
from selfspec_plugins.local.transformers_model import TransformersModel

HEAD = "Task: Is the sentence about money?\nText: Rates rose by 25 basis points.\nAnswer: yes\n\n"
PROMPTS = [HEAD * 2 + end for end in ("Aspirin", "The court held that", "a", "Paris?", "")] + ["zz"]

every_architecture = pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)


def reference_tokens(model, prompt):
    ids = model.tokenizer(prompt, return_tensors="pt").input_ids
    full = model.hf.generate(ids, max_new_tokens=20, do_sample=False, pad_token_id=0)
    return full[0, ids.shape[1] :].tolist()


def reference(model, prompt):
    return model.tokenizer.decode(reference_tokens(model, prompt), skip_special_tokens=True)


@pytest.fixture
def batch_tokens(tiny):
    """Sets the budget of a batch for one test."""
    model = tiny()
    before = dict(model.decisions)
    yield lambda value: model.decisions.update(batch_tokens=value)
    model.decisions.clear()
    model.decisions.update(before)


@every_architecture
def test_greedy_text_is_that_of_transformers(tiny, architecture):
    model = tiny(architecture)
    assert model.engine.shares
    assert model.generate(PROMPTS, Sampling(max_new_tokens=20)) == [
        reference(model, prompt) for prompt in PROMPTS
    ]


@every_architecture
def test_without_a_shared_prefix_the_text_is_the_same(tiny, architecture, monkeypatch):
    model = tiny(architecture)
    monkeypatch.setattr(model.engine, "shares", False)
    assert model.generate(PROMPTS, Sampling(max_new_tokens=20)) == [
        reference(model, prompt) for prompt in PROMPTS
    ]


def test_a_sliding_window_is_left_to_the_model(tmp_path):
    config = tiny_models.config("qwen2").to_dict()
    config |= {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}
    config["layer_types"] = ["full_attention", "sliding_attention"]
    folder = tiny_models.build(tmp_path, type(tiny_models.config("qwen2"))(**config))
    model = TransformersModel(ModelSettings(path=folder))
    model.load()
    assert not model.engine.shares
    assert model.generate(PROMPTS, Sampling(max_new_tokens=20)) == [
        reference(model, prompt) for prompt in PROMPTS
    ]


@pytest.mark.parametrize("architecture", ["deepseek_v3", "bloom", "doge", "gpt_oss"])
def test_an_attention_of_its_own_is_left_to_the_model(architecture):
    """A cache of latents, no attention interface, a mask by keyword, sinks."""
    from transformers import CONFIG_MAPPING, AutoModelForCausalLM

    sizes = {"vocab_size": 384, "hidden_size": 32, "num_attention_heads": 4, "num_hidden_layers": 2}
    sizes |= {"intermediate_size": 64, "num_key_value_heads": 4, "max_position_embeddings": 256}
    if architecture == "deepseek_v3":
        sizes |= {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "v_head_dim": 12}
        sizes |= {"qk_nope_head_dim": 8, "n_routed_experts": 4, "num_experts_per_tok": 2}
        sizes |= {"moe_intermediate_size": 16, "n_group": 1, "topk_group": 1}
    if architecture == "gpt_oss":
        sizes |= {"num_local_experts": 4, "head_dim": 8, "num_key_value_heads": 2}
    model = AutoModelForCausalLM.from_config(CONFIG_MAPPING[architecture](**sizes)).eval()
    engine = Engine(
        model, tiny_models.tokenizer(), 2048, 256, {}, Lanes(TransformersModel, ModelSettings(), 1)
    )
    assert not engine.shares


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_sampling_depends_on_seed_and_index_but_not_on_batches(tiny, batch_tokens, top_p):
    model = tiny()
    sampling = Sampling(max_new_tokens=20, temperature=1.0, top_p=top_p, random_seed=5)
    texts = model.generate(PROMPTS, sampling)
    for budget in (1, 60, 200):
        batch_tokens(budget)
        assert model.generate(PROMPTS, sampling) == texts
    assert model.generate(PROMPTS[:2], sampling) == texts[:2]
    assert len(set(model.generate([PROMPTS[0]] * 8, sampling))) == 8
    other = Sampling(max_new_tokens=20, temperature=1.0, top_p=top_p, random_seed=6)
    assert model.generate(PROMPTS, other) != texts


def test_sampling_follows_the_truncated_distribution():
    import torch

    from selfspec_plugins.local.sampling import choose

    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().repeat(4000, 1)
    drawn = torch.rand(4000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    tokens = choose(logits, drawn, Sampling(temperature=1.0, top_p=0.9))
    share = torch.bincount(tokens, minlength=4) / 4000
    expected = torch.tensor([0.5, 0.3, 0.15, 0.0]) / 0.95
    assert (share - expected).abs().max() < 0.02
    assert share[3] == 0
    wide = torch.randn(3, 2000, generator=torch.Generator().manual_seed(2)) / 10
    drawn = torch.tensor([0.0, 0.5, 1 - 1e-12], dtype=torch.float64)
    probabilities = wide.softmax(-1)
    for row, token in enumerate(choose(wide, drawn, Sampling(temperature=1.0, top_p=0.6))):
        above = probabilities[row][probabilities[row] > probabilities[row, token]].sum()
        assert above < 0.6


@every_architecture
def test_text_ends_before_the_first_stop_string(tiny, architecture):
    model = tiny(architecture)
    for prompt in PROMPTS[:3]:
        full = reference(model, prompt)
        for stop in (full[3:5], full[6], full[8:12]):
            sampling = Sampling(max_new_tokens=20, stop=("never there", stop))
            assert model.generate([prompt], sampling) == [full[: full.index(stop)]]


def test_rows_of_different_ends_and_progress(tiny):
    model = tiny()
    full = [reference(model, prompt) for prompt in PROMPTS]
    stop = (full[0][2], full[1][9])
    done = []

    class Counting(Silent):
        def advance(self, count=1):
            done.append(count)

    texts = model.generate(PROMPTS, Sampling(max_new_tokens=20, stop=stop), Counting())
    cuts = [min([t.index(s) for s in stop if s in t], default=len(t)) for t in full]
    assert texts == [text[:cut] for text, cut in zip(full, cuts, strict=True)]
    assert sum(done) == len(PROMPTS)


def test_a_leading_space_survives_decoding(tmp_path):
    folder = tiny_models.build(tmp_path)
    tiny_models.tokenizer(metaspace=True).save_pretrained(folder)
    model = TransformersModel(ModelSettings(path=folder))
    model.load()
    row = model.tokenizer("The court held that").input_ids
    new = model.tokenizer("the contract was void").input_ids
    assert model.tokenizer.decode(new) == "the contract was void"  # alone, the space is lost
    assert model.engine._text(row, new) == " the contract was void"


def test_an_end_token_ends_the_text(tiny):
    model = tiny()
    new = reference_tokens(model, PROMPTS[0])
    model.engine.ends.add(new[4])
    try:
        text = model.generate(PROMPTS[:1], Sampling(max_new_tokens=20))[0]
    finally:
        model.engine.ends.remove(new[4])
    assert text == model.tokenizer.decode(new[: new.index(new[4])])


def test_prompts_beyond_the_context_lose_their_beginning(tiny):
    model, said = tiny(), []

    class Listening(Silent):
        def say(self, line):
            said.append(line)

    ids = model.tokenizer("court price " * 200).input_ids
    text = model.tokenizer.decode(ids)
    room = 256 - 20
    kept = model.tokenizer.decode(ids[-room:])
    assert model.generate([text], Sampling(max_new_tokens=20), Listening()) == [
        reference(model, kept)
    ]
    assert said == [f"1 of 1 prompts exceed {room} tokens; their beginning is cut"]


def test_a_special_first_token_stays_where_the_beginning_is_cut(tiny):
    model = tiny()
    first = model.tokenizer.all_special_ids[0]
    long = [first, *model.tokenizer("court price " * 200).input_ids]
    cut = [first, *long[-(256 - 4 - 1) :]]
    branches = [(long[5:9], 0)]
    assert model.engine.score([long], [branches]) == model.engine.score([cut], [branches])
    assert model.engine.score([long[1:]], [branches]) == model.engine.score(
        [long[-(256 - 4) :]], [branches]
    )


@every_architecture
@pytest.mark.parametrize("shares", [True, False])
def test_likelihood_is_the_sum_over_the_continuation(tiny, architecture, shares, monkeypatch):
    import torch

    model = tiny(architecture)
    monkeypatch.setattr(model.engine, "shares", shares)
    pairs = [(p, c) for p in PROMPTS for c in (" yes", " no contract\nwas", "a", "")]
    for (prompt, continuation), value in zip(pairs, model.loglikelihood(pairs), strict=True):
        alone = model.tokenizer(prompt).input_ids
        whole = model.tokenizer(prompt + continuation).input_ids
        with torch.no_grad():
            logs = model.hf(torch.tensor([whole])).logits[0].log_softmax(-1)
        bound = common_prefix([alone, whole])
        expected = sum(logs[i - 1, whole[i]].item() for i in range(bound, len(whole)))
        assert value == pytest.approx(expected, abs=1e-4)


def test_out_of_memory_halves_the_batch(tiny, batch_tokens, monkeypatch):
    import torch

    model, decode = tiny(), tiny().engine.decode
    expected = model.generate(PROMPTS, Sampling(max_new_tokens=20))

    def short_of_memory(rows, *rest):
        if len(rows) > 2:
            raise torch.OutOfMemoryError
        return decode(rows, *rest)

    batch_tokens(4096)
    monkeypatch.setattr(model.engine, "decode", short_of_memory)
    assert model.generate(PROMPTS, Sampling(max_new_tokens=20)) == expected
    assert model.decisions["batch_tokens"] < 4096


def test_batches_keep_every_row_once_and_the_budget():
    rows = [[7] * 70 + [i] * i for i in range(1, 20)] + [[i] * 3 for i in range(9)] + [[8] * 90]
    batches = list(plan(rows, [10] * len(rows), 300))
    assert sorted(i for batch in batches for i in batch) == list(range(len(rows)))
    for batch in batches:
        shared = common_prefix([rows[i] for i in batch])
        widest = max(len(rows[i]) for i in batch) - shared + 10
        assert len(batch) == 1 or len(batch) * widest <= 300
    assert {i for i in batches[0]} <= set(range(19))  # what shares a beginning stays together


def test_chat_template_is_used_if_there_is_one(tmp_path):
    folder = tiny_models.build(tmp_path)
    tokens = tiny_models.tokenizer()
    template = "{% for m in messages %}Q: {{ m.content }}\n{% endfor %}A:"
    tokens.chat_template = template
    try:
        tokens.save_pretrained(folder)
    finally:
        tokens.chat_template = None
    chat, plain = TransformersModel(ModelSettings(path=folder)), None
    chat.load()
    assert chat.render("hello") == "Q: hello\nA:"
    assert chat.capabilities.chat
    plain = TransformersModel(ModelSettings(path=folder, chat=False))
    plain.load()
    assert plain.render("hello") == "hello"
    sampling = Sampling(max_new_tokens=5)
    assert chat.generate(["hello"], sampling) == plain.generate(["Q: hello\nA:"], sampling)


def test_what_the_model_says_about_itself(tiny):
    model = tiny()
    said = model.describe()
    assert said["class"] == "LlamaForCausalLM" and said["dtype"] == "float32"
    assert said["parameters"] == sum(p.numel() for p in model.release_adapters().parameters())
    assert all(len(digits) == 16 for digits in said["weights"].values()) and said["weights"]
    assert model.capabilities.context == 256 and model.capabilities.trains


def test_broken_folders_are_named_with_what_they_lack(tmp_path, tiny):
    def error(path):
        with pytest.raises(UsageError) as caught:
            TransformersModel(ModelSettings(path=path)).load()
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
        return str(caught.value)

    assert "no such folder" in error(tmp_path / "absent")
    assert "config.json" in error(tmp_path)
    shutil.copy(tiny().settings.path / "config.json", tmp_path)
    assert "safetensors" in error(tmp_path)
    (tmp_path / "pytorch_model.bin").touch()
    assert "pytorch_model.bin" in error(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    error(tmp_path)


def test_an_unreachable_hub_id_is_named(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="someone/nothing.*--model PATH") as caught:
        TransformersModel(ModelSettings(name="someone/nothing")).load()
    assert "\n" not in str(caught.value)


def test_a_model_that_made_room_is_as_it_was_when_loaded_again(tmp_path):
    import gc
    import weakref

    import torch

    model = TransformersModel(ModelSettings(path=tiny_models.build(tmp_path, "llama"), threads=2))
    model.unload()  # nothing is there to go
    before = torch.get_num_threads()
    model.load()
    said = model.generate(PROMPTS, Sampling(max_new_tokens=8))
    gone = weakref.ref(model.hf)
    model.unload()
    gc.collect()
    assert gone() is None and model.hf is None
    assert torch.get_num_threads() == before
    model.load()
    assert model.generate(PROMPTS, Sampling(max_new_tokens=8)) == said
    torch.set_num_threads(before)
