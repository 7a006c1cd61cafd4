"""Packed rows of tokens out of the endless stream of documents."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from selfspec_nano import corpus
from selfspec_nano.marks import plain, spans

if TYPE_CHECKING:
    from tokenizers import Tokenizer

COPY_TOKENS = 500_000
"""Tokens of the copy curriculum, before the first document."""
SHORT_SHARE = 0.22
"""Share of the run with rows of 256 tokens; the rest has 640, room for five demonstrations."""
PRACTICE_SHARE = 0.65
"""Share of the run in which three documents of four are copy rows, mostly drills."""
FIRST_WEIGHT, ANSWER_WEIGHT = 12.0, 3.0
"""Weights in the loss of an answer's first token, which decides, and its others; the rest has 1."""


class Rows:
    """Draws batches of packed rows; documents are cut wherever a row ends.

    Args:
        tokenizer: the tokenizer.
        random_seed: of documents and random rows.
        batch_tokens: tokens in a batch.
    """

    def __init__(self, tokenizer: "Tokenizer", random_seed: int, batch_tokens: int) -> None:
        self.tokenizer, self.batch_tokens = tokenizer, batch_tokens
        self.random = np.random.default_rng(random_seed)
        self.copies = corpus.stream(random_seed, 1.0, 0.4, marks=True)
        self.practice = corpus.stream(random_seed + 1, 0.75, 0.85, marks=True)
        self.late = corpus.stream(random_seed + 2, 0.4, 0.45, marks=True)
        self.left: dict[int, np.ndarray] = {}

    def _encode(self, texts: Iterator[str]) -> np.ndarray:
        """Return 64 documents as token ids and weights, shape (2, tokens)."""
        batch = list(islice(texts, 64))
        ids, weights = [], []
        encoded = self.tokenizer.encode_batch([plain(text) for text in batch])
        for text, found in zip(batch, encoded, strict=True):
            ids += [0, *found.ids]
            starts = np.array([end - 1 for _, end in found.offsets])
            weight = np.ones(len(starts) + 1)
            for start, end in spans(text):
                first, last = np.searchsorted(starts, (start, end))
                weight[1 + first : 1 + last] = ANSWER_WEIGHT
                weight[1 + first] = FIRST_WEIGHT
            weights.append(weight)
        return np.stack([np.array(ids, dtype=np.float64), np.concatenate(weights)])

    def _take(self, texts: Iterator[str], count: int) -> np.ndarray:
        buffer = self.left.get(id(texts), np.empty((2, 0)))
        while buffer.shape[1] < count:
            buffer = np.concatenate([buffer, self._encode(texts)], axis=1)
        self.left[id(texts)] = buffer[:, count:]
        return buffer[:, :count]

    def _repeats(self, length: int) -> np.ndarray:
        """Return one random string of 2-32 tokens, repeated."""
        period = int(self.random.integers(2, 33))
        string = self.random.integers(2, self.tokenizer.get_vocab_size(), period)
        return np.stack([np.resize(string, length), np.ones(length)])

    def batch(self, tokens_seen: int, done: float) -> tuple[np.ndarray, np.ndarray]:
        """Return rows of token ids and their loss weights, both of shape (rows, length + 1).

        Args:
            tokens_seen: tokens trained on so far; decides on the copy curriculum.
            done: share of the run that is over, 0-1; rows are longer after ``SHORT_SHARE``.
        """
        short = done < SHORT_SHARE
        length = 256 if short else 640
        warm = tokens_seen < COPY_TOKENS
        practice = done < PRACTICE_SHARE
        texts = self.copies if warm else self.practice if practice else self.late
        share = 0.3 if warm else 0.06 if short else 0.04
        rows = np.stack(
            [
                self._repeats(length + 1)
                if self.random.random() < share
                else self._take(texts, length + 1)
                for _ in range(max(1, self.batch_tokens // length))
            ]
        )
        return rows[:, 0].astype(np.int64), rows[:, 1].astype(np.float32)
