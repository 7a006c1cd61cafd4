"""Which rows are taken together, and a batch of them on its way through the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from selfspec_plugins.local.prefix_cache import CannotShare, prefix_attention, prefix_cache

Ids = list[int]
HEAD = 64
"""Prompts that agree in this many tokens are put into batches of their own."""
WORTH_GROUPING = 8
"""… if there are at least this many of them."""
WORTH_SHARING = 16
"""A shorter common prefix is not encoded apart."""
SLICE = 1024
"""Tokens that go through a model on a CPU at once: more of them fall out of its caches."""


def common_prefix(rows: Sequence[Ids]) -> int:
    """Returns how many leading tokens all rows have in common."""
    low, high = min(rows), max(rows)  # lexicographic extremes differ first
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))


def plan(rows: Sequence[Ids], extra: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Yields the indices of the rows of each batch.

    Args:
        rows: tokens of each row.
        extra: columns that each row needs beside its tokens.
        budget: padded tokens in a batch; the common prefix of a group counts once.
    """
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        groups[tuple(row[:HEAD]) if len(row) > HEAD else ()].append(index)
    rest = groups.pop((), [])
    kept = [group for group in groups.values() if len(group) >= WORTH_GROUPING]
    rest += [index for group in groups.values() if len(group) < WORTH_GROUPING for index in group]
    for group in (*kept, rest):
        shared = common_prefix([rows[i] for i in group]) if len(group) > 1 else 0
        group = sorted(group, key=lambda i: (-len(rows[i]), i))
        while group:
            longest = len(rows[group[0]]) - shared + max(extra[i] for i in group)
            count = max(1, (budget - shared) // max(1, longest))
            yield group[:count]
            group = group[count:]


class Batch:
    """Rows in flight: left-padded, with their cache.

    Attributes:
        shared: how many leading tokens are kept once for all rows.
        real: (rows, columns), false for padding.
        positions: (rows,), the position of the next token.
    """

    def __init__(self, model: Any, rows: Sequence[Ids], more: int, *, shares: bool) -> None:
        """Lays out `rows` with room for `more` tokens each.

        Args:
            shares: whether `prefix_cache` suits the model; if not, the plain cache is used.
        """
        import torch
        from transformers import DynamicCache

        self.model, self.shares, device = model, shares, model.device
        least = min(map(len, rows))
        self.shared = min(common_prefix(rows), least - 1)
        if not shares or len(rows) == 1 or self.shared < WORTH_SHARING:
            self.shared = 0
        prefix = None
        if self.shared:
            prefix = DynamicCache(config=model.config)
            ids = torch.tensor([rows[0][: self.shared]], device=device)
            model(input_ids=ids, past_key_values=prefix, use_cache=True, logits_to_keep=1)
        width = max(map(len, rows)) - self.shared
        own = [row[self.shared :] for row in rows]
        self.ids = torch.tensor([[0] * (width - len(r)) + r for r in own], device=device)
        lengths = torch.tensor([len(r) for r in own], device=device)
        self.real = torch.arange(width, device=device) >= width - lengths[:, None]
        self.positions = lengths + self.shared
        if shares:
            layers = model.config.get_text_config().num_hidden_layers
            self.cache = prefix_cache(prefix, layers, len(rows), width + more)
        else:
            self.cache = DynamicCache(config=model.config)

    def call(self, ids: Any, positions: Any, mask: Any, keep: int) -> Any:
        """Runs the model; `mask` is (rows, 1, q, columns) when prefixes are shared, else 2-D."""
        import torch

        rows, columns = ids.shape
        if not self.shares:
            return self._call(ids, positions, mask, keep)
        step = max(1, SLICE // columns) if ids.device.type == "cpu" else rows
        # a later token is there for every row; before the first one, short rows begin with padding
        padding = self.real.int().argmax(1) if columns > 1 else self.real.new_zeros(rows).int()
        logits = []
        with prefix_attention(self.model, self.cache):
            for start in range(0, rows, step):
                self.cache.taken = taken = slice(start, min(start + step, rows))
                skip = self.cache.skipped = int(padding[taken].min())
                logits.append(
                    self._call(
                        ids[taken, skip:],
                        positions[taken, skip:],
                        mask[taken, :, skip:, skip:],
                        keep,
                    )
                )
        return torch.cat(logits) if len(logits) > 1 else logits[0]

    def _call(self, ids: Any, positions: Any, mask: Any, keep: int) -> Any:
        return self.model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=keep,
        ).logits

    def prefill(self) -> Any:
        """Encodes the prompts; returns the logits of the next token, (rows, vocabulary)."""
        columns = self.real.shape[1]
        positions = (self.real.cumsum(1) - 1).clamp(min=0) + self.shared
        mask = causal_mask(self.real, columns) if self.shares else self.real.long()
        return self.call(self.ids, positions, mask, 1)[:, -1]

    def forward(self, tokens: Any) -> Any:
        """Appends one token to each row, (rows, 1); returns the logits of the next one."""
        import torch

        self.real = torch.cat([self.real, self.real.new_ones(len(tokens), 1)], 1)
        mask = self.real[:, None, None] if self.shares else self.real.long()
        logits = self.call(tokens, self.positions[:, None], mask, 1)[:, -1]
        self.positions = self.positions + 1
        return logits

    def keep(self, rows: list[int]) -> None:
        """Lets all other rows go."""
        import torch

        index = torch.tensor(rows, device=self.real.device)
        self.real, self.positions = self.real[index], self.positions[index]
        if not self.shares:
            self.cache.batch_select_indices(index)
            return
        for layer in self.cache.layers:
            layer.select(index)


def causal_mask(real: Any, columns: int) -> Any:
    """Returns (rows, 1, columns, columns): each looks at real columns before it and at itself."""
    import torch

    order = torch.arange(columns, device=real.device)
    causal = order[:, None] >= order
    return (causal & real[:, None] | (order[:, None] == order))[:, None]


def sharing_is_exact(model: Any, tokenizer: Any) -> bool:
    """Tries on a few tokens whether a shared prefix gives what the model itself gives."""
    import torch
    from transformers.cache_utils import DynamicCache, DynamicLayer

    config = model.config
    if any(type(layer) is not DynamicLayer for layer in DynamicCache(config=config).layers):
        return False  # a sliding window, or no attention at all
    if not model._supports_attention_backend:
        return False  # an attention of its own, which ours cannot replace
    size = min(config.get_text_config().vocab_size, len(tokenizer))
    row = [(7 * i + 3) % size for i in range(WORTH_SHARING + 8)]
    ids = torch.tensor([row], device=model.device)
    try:
        with torch.inference_mode():
            plain = model(input_ids=ids, use_cache=False).logits[0, -1]
            shared = Batch(model, [row, row[:-3]], 1, shares=True).prefill()[0]
    except CannotShare:
        return False
    loose = 1e-3 if model.dtype == torch.float32 else 0.5
    gap = plain.float().log_softmax(-1) - shared.float().log_softmax(-1)
    return bool(gap.abs().max() < loose)
