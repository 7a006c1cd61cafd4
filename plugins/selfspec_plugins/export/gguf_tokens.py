"""A byte-level BPE tokenizer as GGUF has it: tokens, merges, and the name of a way to split text.

llama.cpp splits text into words by one of the patterns it knows, chosen by name, before it merges.
A tokenizer's own pattern cannot be written down. So each pattern is tried on the run's own texts,
and that is taken under which most of them become the very tokens that they are to the model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from selfspec_core import UsageError

NORMAL, CONTROL, USER_DEFINED, UNUSED = 1, 3, 4, 5
"""Types of tokens, as GGUF numbers them."""

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
PATTERNS: dict[str, tuple[str, ...]] = {
    "llama-bpe": (_LLAMA3,),
    "qwen2": (_LLAMA3.replace("{1,3}", ""),),
    "smollm": (r"\p{N}", _GPT2),
    "gpt-2": (_GPT2,),
}
"""llama.cpp's name of a way to split -> its patterns, one after another."""

WHOLE_WORDS = frozenset({"llama-bpe"})
"""Where a word that is a token is taken as that token, whatever the merges would make of it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a GGUF file says about a tokenizer.

    Attributes:
        pre: llama.cpp's name of the way to split.
        otherwise: the texts that become other tokens under it than they are to the model.
    """

    tokens: list[str]
    types: list[int]
    merges: list[str]
    pre: str
    otherwise: list[str]


def vocabulary_of(tokenizer: Any, size: int, texts: Sequence[str]) -> Vocabulary:
    """Reads a tokenizer of transformers.

    Args:
        size: rows of the model's embedding; more than there are tokens are named as padding.
        texts: what should be read alike.

    Raises:
        UsageError: if it is no byte-level BPE.
    """
    data = _backend(tokenizer)
    tokens = [f"[PAD{number}]" for number in range(size)]
    types = [UNUSED] * size
    for token, number in data["model"]["vocab"].items():
        tokens[number], types[number] = token, NORMAL
    for added in data.get("added_tokens", ()):
        number = added["id"]
        tokens[number], types[number] = (
            added["content"],
            CONTROL if added["special"] else USER_DEFINED,
        )
    merges = [one if isinstance(one, str) else " ".join(one) for one in data["model"]["merges"]]
    return Vocabulary(tokens, types, merges, *_split_of(data, texts))


def _backend(tokenizer: Any) -> dict[str, Any]:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    data: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {}
    kind, decoder = data.get("model", {}).get("type"), (data.get("decoder") or {}).get("type")
    if kind != "BPE" or decoder != "ByteLevel" or data.get("normalizer"):
        raise UsageError(
            "--to gguf: writes byte-level BPE tokenizers (Llama 3, SmolLM); this one is "
            f"{kind or type(tokenizer).__name__} with decoder {decoder}; --to merged takes any"
        )
    return data


def _split_of(data: dict[str, Any], texts: Sequence[str]) -> tuple[str, list[str]]:
    """Returns the way to split under which most texts become the same tokens, and the others."""
    from tokenizers import Tokenizer

    own = _ids(Tokenizer.from_str(json.dumps(data)), texts)
    best: tuple[str, list[str]] | None = None
    for name in sorted(PATTERNS, key=lambda one: PATTERNS[one] != _patterns(data)):
        there = _ids(as_split_by(data, name), texts)
        other = [text for text, a, b in zip(texts, own, there, strict=True) if a != b]
        if best is None or len(other) < len(best[1]):
            best = name, other
    assert best is not None
    return best


def as_split_by(data: dict[str, Any], name: str) -> Any:
    """Returns a tokenizer that splits in one of llama.cpp's ways and is otherwise the same."""
    from tokenizers import Regex, Tokenizer, pre_tokenizers

    model = {**data["model"], "ignore_merges": name in WHOLE_WORDS}
    made = Tokenizer.from_str(json.dumps({**data, "model": model}))
    splits = [pre_tokenizers.Split(Regex(one), "isolated") for one in PATTERNS[name]]
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.pre_tokenizer = pre_tokenizers.Sequence([*splits, level])
    return made


def _patterns(data: dict[str, Any]) -> tuple[str, ...]:
    """Returns the patterns that a tokenizer splits by itself, as far as it says so."""
    pre = data.get("pre_tokenizer") or {}
    parts = pre.get("pretokenizers", [pre])
    found = [part["pattern"].get("Regex", "") for part in parts if part.get("type") == "Split"]
    found += [_GPT2 for part in parts if part.get("type") == "ByteLevel" and part["use_regex"]]
    return tuple(found)


def _ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return [one.ids for one in tokenizer.encode_batch(list(texts))]
