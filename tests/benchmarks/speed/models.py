"""Models to measure with: nano, and randomly initialised ones of the shape of larger models.

A random model takes as long for a token as a trained one. All have nano's tokenizer.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from rivals import ENVIRONMENTS

FOLDER = ENVIRONMENTS / "models"
THREADS = 2
END = "<pad>"
"""What ends a text in `endless` folders: a token that no model here ever prefers."""


@dataclass(frozen=True)
class Shape:
    """What `LlamaConfig` is told; the vocabulary beyond the tokenizer's is never produced."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int


SHAPES = {
    "15M": Shape(384, 1024, 7, 6, 6, 4096),
    "135M": Shape(576, 1536, 30, 9, 3, 24576),  # SmolLM2-135M, its tied table halved for a head
}
NAMES = ("nano", *SHAPES)


def quiet_threads() -> dict[str, str]:
    """Returns the environment every contender runs in, which is also set here.

    To be called before torch is imported. Threads that spin while they wait would slow down
    whoever has the next turn.
    """
    wanted = {
        "OMP_NUM_THREADS": str(THREADS),
        "OMP_WAIT_POLICY": "PASSIVE",
        "MKL_DYNAMIC": "FALSE",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    os.environ.update(wanted)
    return {**os.environ, **wanted}


def folder(name: str) -> Path:
    """Returns the folder of a model, which is made if it is not there."""
    if name == "nano":
        return Path(str(resources.files("selfspec_nano") / "weights"))
    home = FOLDER / name
    if not (home / "config.json").is_file():
        _build(SHAPES[name], home)
    return home


def endless(name: str) -> Path:
    """Returns a copy of a model's folder whose texts never end, so that all write equally long.

    Every contender reads which token ends a text from these files.
    """
    source, home = folder(name), FOLDER / f"{name}-endless"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(source, home)
    tokens = json.loads((home / "tokenizer.json").read_text(encoding="utf-8"))
    end = next(t["id"] for t in tokens["added_tokens"] if t["content"] == END)
    for file in ("config.json", "generation_config.json"):
        _change(home / file, eos_token_id=end)
    _change(home / "tokenizer_config.json", eos_token=END)
    return home


def _change(file: Path, **values: Any) -> None:
    held = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(held | values, indent=2) + "\n", encoding="utf-8")


def _build(shape: Shape, home: Path) -> None:
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(folder("nano"))
    config = LlamaConfig(
        **vars(shape),
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    ordinary = torch.arange(len(tokenizer.all_special_ids), len(tokenizer))
    embeddings = model.get_input_embeddings().weight
    head = model.get_output_embeddings().weight
    with torch.no_grad():
        head.zero_()  # a logit of 0 is never the largest of thousands
        # Untouched, such a model says one token for ever, which is no text to try drafts on: what
        # tokens have in common adds up over the layers. Larger embeddings keep tokens apart.
        embeddings *= (3 * shape.num_hidden_layers) ** 0.5
        head[ordinary] = embeddings[ordinary.roll(977)]
    model.save_pretrained(home)
    tokenizer.save_pretrained(home)
