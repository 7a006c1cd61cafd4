"""Writes a Llama as a GGUF file, and reads one back through transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core import SelfspecError, UsageError
from selfspec_core.files import naming
from selfspec_plugins.export.gguf_tokens import Vocabulary

if TYPE_CHECKING:
    import numpy as np

PRECISIONS = ("f16", "q8_0", "f32")
BLOCK = 32
"""Weights of a row that share a scale in q8_0."""


def check_architecture(config: Any) -> None:
    """Refuses what is no Llama, or a Llama with parts that this writer does not know.

    Raises:
        UsageError: naming the architecture or the setting.
    """
    instead = "; --to merged takes any model"
    if config.model_type != "llama":
        raise UsageError(
            f"--to gguf: writes Llama models, and this is '{config.model_type}'{instead}"
        )
    rope = config.rope_parameters["rope_type"]
    for key, value, known in (
        ("hidden_act", config.hidden_act, ("silu",)),
        ("rope_type", rope, ("default", "llama3")),
    ):
        if value not in known:
            raise UsageError(f"--to gguf: {key} '{value}' is not known to it{instead}")


def write(
    path: Path, hf: Any, tokenizer: Any, vocabulary: Vocabulary, precision: str, name: str
) -> list[str]:
    """Writes the file; returns what a reader of it has to know, a line each.

    Matrices are written in `precision`; norms and biases in fp32, as llama.cpp has them.

    Raises:
        SelfspecError: if a tensor has no name in GGUF.
    """
    import gguf

    notes = []
    with closing(gguf.GGUFWriter(path, "llama")) as writer:
        writer.add_name(name)
        _add_architecture(writer, hf.config, precision)
        _add_tokenizer(writer, tokenizer, vocabulary)
        kinds = {
            "f32": gguf.GGMLQuantizationType.F32,
            "f16": gguf.GGMLQuantizationType.F16,
            "q8_0": gguf.GGMLQuantizationType.Q8_0,
        }
        for tensor, values in tensors(hf):
            kind = precision if values.ndim > 1 else "f32"
            if kind == "q8_0" and values.shape[-1] % BLOCK:
                kind = "f16"
                notes.append(f"{tensor} is in f16: its rows are no multiple of {BLOCK}")
            stored = gguf.quantize(values, kinds[kind])
            writer.add_tensor(tensor, stored, raw_dtype=kinds[kind])
        with naming(path):
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
    if hf.config.attention_bias:
        notes.append(
            "attention biases are in the file (llama.cpp reads them); transformers needs "
            "attention_bias=True in from_pretrained to do so"
        )
    return notes


def _add_architecture(writer: Any, config: Any, precision: str) -> None:
    import gguf

    kinds = gguf.LlamaFileType
    kind = {"f32": kinds.ALL_F32, "f16": kinds.MOSTLY_F16, "q8_0": kinds.MOSTLY_Q8_0}[precision]
    writer.add_file_type(kind)
    if precision == "q8_0":
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(float(config.rope_parameters["rope_theta"]))


def _add_tokenizer(writer: Any, tokenizer: Any, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model("gpt2")  # GGUF's name for byte-level BPE
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for add, number in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_unk_token_id, tokenizer.unk_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    ):
        if number is not None:
            add(number)
    ids = tokenizer("a")["input_ids"]
    writer.add_add_bos_token(ids[0] == tokenizer.bos_token_id)
    writer.add_add_eos_token(ids[-1] == tokenizer.eos_token_id)
    if isinstance(tokenizer.chat_template, str):
        writer.add_chat_template(tokenizer.chat_template)


def tensors(hf: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yields each tensor by its name in GGUF, fp32, queries and keys in llama.cpp's order of rows.

    Raises:
        SelfspecError: naming a tensor that has no place in a Llama of GGUF.
    """
    import gguf
    import numpy as np

    config = hf.config
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    if (factors := rope_factors(hf)) is not None:
        yield "rope_freqs.weight", factors.astype(np.float32)
    for name, tensor in hf.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue  # a reader takes the embedding
        found = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise SelfspecError(f"gguf: tensor {name} has no name in a Llama of GGUF")
        values = tensor.float().cpu().numpy()
        for part, count in heads.items():
            if f".{part}." in name:
                values = interleaved(values, count)
        yield found, np.ascontiguousarray(values)


def interleaved(values: np.ndarray, heads: int) -> np.ndarray:
    """Returns rows of a query or key projection in llama.cpp's order.

    Rotary embedding turns pairs of rows: rows i and i + d/2 of a head in transformers, neighbours
    in llama.cpp.
    """
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    turned: np.ndarray = halves.swapaxes(1, 2).reshape(values.shape)
    return turned


def rope_factors(hf: Any) -> np.ndarray | None:
    """Returns by how much each rotary frequency was slowed down, (d/2,); None if none was."""
    import torch

    config = hf.config
    if config.rope_parameters["rope_type"] == "default":
        return None
    theta, dim = config.rope_parameters["rope_theta"], config.head_dim
    plain = 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    slowed: np.ndarray = (plain / hf.model.rotary_emb.inv_freq.cpu()).numpy()
    return slowed


def check_stored(path: Path, hf: Any) -> None:
    """Compares every tensor of a file with the model's, within what its precision rounds.

    Raises:
        SelfspecError: naming the first tensor that is missing or further off.
    """
    import gguf
    import numpy as np

    stored = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    for name, values in tensors(hf):
        if name not in stored:
            raise SelfspecError(f"gguf: tensor {name} is missing from the file")
        found = gguf.dequantize(stored[name].data, stored[name].tensor_type)
        kind = stored[name].tensor_type.name.lower()
        same = found.shape == values.shape and not np.isnan(found).any()
        if not same or (np.abs(found - values) > rounding(values, kind)).any():
            raise SelfspecError(f"gguf: tensor {name} in the file is not the model's")


def rounding(values: np.ndarray, kind: str) -> np.ndarray:
    """Returns by how much each value may be off once it is stored.

    f16 keeps 11 binary digits; q8_0 counts in steps of a 127th of the largest of 32 neighbours, and
    keeps the step in f16. Both are given a hundredth more, for the arithmetic on the way.
    """
    import numpy as np

    size = np.abs(values)
    if kind == "f32":
        allowed = np.zeros_like(size)
    elif kind == "f16":
        allowed = size * 2.0**-11 + 2.0**-25
    else:
        largest = size.reshape(-1, BLOCK).max(-1, keepdims=True)
        coarse = np.maximum(largest * 2.0**-11, 127 * 2.0**-25)
        allowed = np.broadcast_to(largest / 254 + coarse, (largest.size, BLOCK))
        allowed = allowed.reshape(size.shape)
    wider: np.ndarray = allowed * 1.01
    return wider


def read_back(path: Path, device: str) -> tuple[Any, Any]:
    """Loads the file through transformers, in fp32; returns model and tokenizer.

    transformers does not look for biases and rotary factors in a file: it is told of them, by
    what stands in the file.

    Raises:
        SelfspecError: if the file cannot be read.
    """
    import gguf
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        there = {tensor.name: tensor.data for tensor in gguf.GGUFReader(path).tensors}
        with redirect_stderr(StringIO()):  # a bar that nothing else turns off
            hf = AutoModelForCausalLM.from_pretrained(
                path.parent,
                gguf_file=path.name,
                dtype=torch.float32,
                attention_bias="blk.0.attn_q.bias" in there,
                mlp_bias="blk.0.ffn_up.bias" in there,
            ).eval()
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    except (OSError, ValueError, RuntimeError, KeyError, IndexError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SelfspecError(f"gguf: {path.name} cannot be read back: {first}") from error
    if (factors := there.get("rope_freqs.weight")) is not None:
        hf.model.rotary_emb.inv_freq /= torch.tensor(factors)
    return hf.to("cuda" if device == "auto" and torch.cuda.is_available() else "cpu"), tokenizer
