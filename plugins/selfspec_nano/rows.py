"""Packed rows of tokens out of the endless stream of documents."""

from typing import TYPE_CHECKING

import numpy as np

from selfspec_nano import corpus

if TYPE_CHECKING:
    from tokenizers import Tokenizer

COPY_TOKENS = 500_000
"""Tokens of the copy curriculum, before the first document."""


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
        self.copies = corpus.stream(random_seed, copy_share=1.0)
        self.mixed = corpus.stream(random_seed + 1, copy_share=0.3)
        self.late = corpus.stream(random_seed + 2, copy_share=0.12)
        self.left: dict[int, list[int]] = {}

    def _take(self, texts: object, count: int) -> list[int]:
        buffer = self.left.setdefault(id(texts), [])
        while len(buffer) < count:
            batch = [next(texts) for _ in range(64)]  # type: ignore[call-overload]
            for encoded in self.tokenizer.encode_batch(batch):
                buffer.append(0)
                buffer.extend(encoded.ids)
        taken, self.left[id(texts)] = buffer[:count], buffer[count:]
        return taken

    def _repeats(self, length: int) -> list[int]:
        """Return one random string of 2-32 tokens, repeated."""
        period = int(self.random.integers(2, 33))
        string = self.random.integers(2, self.tokenizer.get_vocab_size(), period)
        return np.resize(string, length).tolist()

    def batch(self, tokens_seen: int, done: float) -> np.ndarray:
        """Return rows of token ids, shape (rows, length + 1).

        Args:
            tokens_seen: tokens trained on so far; decides on the copy curriculum.
            done: share of the run that is over, 0-1; rows grow to 640 tokens after 45 %.
        """
        length = 256 if done < 0.45 else 640
        warm = tokens_seen < COPY_TOKENS
        texts = self.copies if warm else self.mixed if done < 0.45 else self.late
        share = 0.3 if warm else 0.06 if done < 0.45 else 0.02
        rows = [
            self._repeats(length + 1)
            if self.random.random() < share
            else self._take(texts, length + 1)
            for _ in range(max(1, self.batch_tokens // length))
        ]
        return np.array(rows, dtype=np.int64)
