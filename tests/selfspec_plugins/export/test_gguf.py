"""Parts of GGUF: the order of rows, rounding, and the ways to split text."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_models
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.errors import UsageError
from selfspec_plugins.export import modelfile
from selfspec_plugins.export.gguf_file import interleaved, rounding
from selfspec_plugins.export.gguf_tokens import CONTROL, PATTERNS, UNUSED, vocabulary_of


def test_rows_are_turned_as_transformers_turns_them_back():
    from transformers.modeling_gguf_pytorch_utils import LlamaTensorProcessor

    config = {"num_attention_heads": 4, "num_key_value_heads": 2}
    processor, rng = LlamaTensorProcessor(config), np.random.default_rng(0)
    for name, heads in (("attn_q", 4), ("attn_k", 2)):
        for shape in ((heads * 8, 5), (heads * 8,)):
            values = rng.normal(size=shape)
            back = processor.process(interleaved(values, heads), f"blk.0.{name}.weight").weights
            assert np.array_equal(back, values)


def test_neighbours_turn_together():
    rows = np.arange(8)  # one head of eight rows: 0 turns with 4, 1 with 5, …
    assert interleaved(rows, 1).tolist() == [0, 4, 1, 5, 2, 6, 3, 7]


@given(st.integers(0, 2**32 - 1), st.floats(-4, 4), st.sampled_from(["f32", "f16", "q8_0"]))
def test_what_is_stored_is_within_its_rounding(seed, magnitude, kind):
    gguf = pytest.importorskip("gguf")
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(3, 64)) * 10.0**magnitude).astype(np.float32)
    type_ = gguf.GGMLQuantizationType[kind.upper()]
    back = gguf.dequantize(gguf.quantize(values, type_), type_)
    assert (np.abs(back - values) <= rounding(values, kind)).all()
    worse = values + 3 * np.maximum(rounding(values, kind), 1e-7 * np.abs(values))
    assert (np.abs(worse - values) > rounding(values, kind)).all()


@pytest.mark.parametrize("pre", PATTERNS)
def test_a_tokenizer_that_splits_by_a_known_pattern_is_found(pre):
    tokenizer = _splitting_by(*PATTERNS[pre])
    texts = ["It's 12345 o'clock,\n\n  and THEY'RE late (again)…", *tiny_models.TEXTS]
    found = vocabulary_of(tokenizer, 512, texts)
    assert found.pre == pre and found.otherwise == []
    assert found.tokens[0] == "<|end|>" and found.types[0] == CONTROL
    size = len(tokenizer)
    assert found.tokens[size] == f"[PAD{size}]" and found.types[size] == UNUSED
    assert len(found.tokens) == 512 and " " in found.merges[0]


def test_of_ways_to_split_that_do_not_fit_the_nearest_is_taken_and_the_rest_is_said():
    tokenizer = _splitting_by(r"xa(?=b)|ab|[^ab]", texts=["xab ab ab"] * 9)
    assert vocabulary_of(tokenizer, 512, ["ab x"]).otherwise == []
    assert vocabulary_of(tokenizer, 512, ["ab x", "xab ab"]).otherwise == ["xab ab"]


@pytest.mark.parametrize("domain", ["finance", "law", "biomedicine", "general"])
def test_nano_reads_the_seeds_of_every_domain_as_llama_cpp_would(domain):
    """Its own pattern is none of llama.cpp's, but it merges nothing across their borders."""
    from importlib import resources

    from transformers import AutoTokenizer

    from selfspec_core.layouts import LAYOUTS
    from selfspec_core.packages import parse_seeds

    tokenizer = AutoTokenizer.from_pretrained(str(resources.files("selfspec_nano") / "weights"))
    file = resources.files("selfspec_seeds") / f"{domain}.jsonl"
    texts = [
        layout.entry(seed.instruction, seed.input, seed.output)
        for seed in parse_seeds(file, domain)
        for layout in LAYOUTS.values()
    ]
    found = vocabulary_of(tokenizer, 4096, texts)
    assert len(found.otherwise) <= len(texts) / 50  # words such as Mini-BESTest


def _splitting_by(*patterns, texts=tiny_models.TEXTS):
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    splits = [pre_tokenizers.Split(Regex(one), "isolated") for one in patterns]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    raw.pre_tokenizer = pre_tokenizers.Sequence([*splits, level])
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|end|>")


def test_a_tokenizer_that_is_no_byte_level_bpe_is_refused():
    with pytest.raises(UsageError, match="this one is BPE with decoder Metaspace"):
        vocabulary_of(tiny_models.tokenizer(metaspace=True), 512, [])


@given(
    st.text(st.characters(exclude_characters='"', codec="utf-8"), max_size=30),
    st.lists(st.text(st.characters(exclude_characters='"'), min_size=1, max_size=4), max_size=3),
)
def test_a_modelfile_is_read_as_it_was_written(template, stops):
    parameters = (("num_ctx", "1024"), *(("stop", stop) for stop in stops))
    file = modelfile.Modelfile("./model.gguf", template + modelfile.PROMPT, parameters)
    assert modelfile.read(modelfile.write(file)) == file


def test_a_template_is_filled_up_to_the_response():
    file = modelfile.Modelfile("m", "Q: {{ .Prompt }}\nA:{{ .Response }}\n\n", ())
    assert file.fill("Why {{ .Prompt }}?") == "Q: Why {{ .Prompt }}?\nA:"


@pytest.mark.parametrize("text", ['a"""b', '"a', 'a"'])
def test_what_a_modelfile_cannot_quote_is_refused(text):
    with pytest.raises(UsageError, match="cannot hold the text"):
        modelfile.write(modelfile.Modelfile("m", text, ()))
