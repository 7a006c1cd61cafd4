"""Vectors of texts: the default, which needs no download, and any local model."""

from __future__ import annotations

import hashlib
import math
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any

import numpy as np

from selfspec_core import UsageError
from selfspec_core.similarity.text import words

HASHED = "hashed"
DIMENSIONS = 384
_ROWS = 1 << 14
_GRAMS = range(3, 6)
_CACHE = 50_000
_STOP = frozenset(
    "a an and are as at be by can do does for from has have how if in into is it its may no not of "
    "on or s such than that the their there these they this to was what when where which who will "
    "with".split()
)
_LITTLE = 0.05

Weight = Callable[[str], float]


class HashedVectors:
    """Sums the directions of a text's words; words that share letters point the same way.

    A word's direction is the sum of random vectors, one for each of its character 3- to 5-grams
    (FastText's subwords, Bojanowski et al. 2017, with weights that are drawn instead of learned:
    a random projection). Nothing is fitted, so a text's vector never depends on what else is
    indexed. Stop words count little in a text; in a query each word has the weight given, which
    the index sets to the word's inverse document frequency.
    """

    def __init__(self) -> None:
        table = np.random.default_rng(0).standard_normal((_ROWS, DIMENSIONS))
        self._table = table.astype(np.float32)
        self._words: dict[str, np.ndarray] = {}

    def text(self, text: str) -> list[float]:
        """Returns the vector of a text, of length 1, or 0 if it holds no word."""
        return self._sum(text, lambda word: _LITTLE if word in _STOP else 1.0)

    def query(self, text: str, weight: Weight) -> list[float]:
        """Returns the vector of a query."""
        return self._sum(text, weight)

    def _sum(self, text: str, weight: Weight) -> list[float]:
        total = np.zeros(DIMENSIONS, np.float32)
        for word, count in Counter(words(text)).items():
            total += (1 + math.log(count)) * weight(word) * self._word(word)
        length = float(np.linalg.norm(total))
        return (total / length if length else total).tolist()

    def _word(self, word: str) -> np.ndarray:
        found = self._words.get(word)
        if found is None:
            if len(self._words) >= _CACHE:
                self._words.clear()
            marked = f"<{word}>"
            grams = {marked[at : at + n] for n in _GRAMS for at in range(len(marked) - n + 1)}
            rows = [zlib.crc32(gram.encode()) % _ROWS for gram in sorted({marked, *grams})]
            total = self._table[rows].sum(0)
            found = self._words[word] = total / np.linalg.norm(total)
        return found


class Embedding:
    """What the index needs of an embedding model.

    Attributes:
        key: identifies the vectors; an index holds those of one key.
        weight: weight of a word in a query (`hashed` only).
    """

    def __init__(self, setting: str) -> None:
        self.weight: Weight = lambda word: 1.0
        self._hashed = HashedVectors() if setting == HASHED else None
        self._model: Any = None if self._hashed else _local_model(setting)
        self.key = embedding_key(setting)

    def texts(self, texts: Sequence[str]) -> list[list[float]]:
        """Returns a vector for each text."""
        if self._hashed:
            return [self._hashed.text(text) for text in texts]
        return self._model.get_text_embedding_batch(list(texts))  # type: ignore[no-any-return]

    def query(self, text: str) -> list[float]:
        """Returns the vector of a query."""
        if self._hashed:
            return self._hashed.query(text, self.weight)
        return self._model.get_query_embedding(text)  # type: ignore[no-any-return]


def embedding_key(setting: str) -> str:
    """Returns a name for the vectors of a setting, fit for a folder: its own and its weights'.

    Raises:
        UsageError: if there is no such model.
    """
    if setting == HASHED:
        return f"{HASHED}-1"
    folder = Path(setting).expanduser()
    files = sorted([*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors")])
    if not files:
        expected = f"expected '{HASHED}', or a local folder with *.safetensors"
        raise UsageError(f"components.knowledge.embedding = '{setting}': {expected}")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return f"{folder.resolve().name}-{digest.hexdigest()[:8]}"


def _local_model(setting: str) -> Any:
    for name in ("bitsandbytes", "sentence_transformers"):  # warn of what nobody here can change
        getLogger(name).setLevel(ERROR)
    try:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    except ImportError:
        install = "pip install llama-index-embeddings-huggingface"
        raise UsageError(
            f"components.knowledge.embedding: a local model needs: {install}"
        ) from None
    import transformers

    logging: Any = transformers.utils.logging  # its functions have no types
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = str(Path(setting).expanduser().resolve())
    try:
        return HuggingFaceEmbedding(model_name=folder, trust_remote_code=False)
    except Exception as error:  # any: the folder is the user's
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(f"components.knowledge.embedding = '{setting}': {first}") from None
