"""A key-value cache whose rows share one copy of their common prefix.

Prompts of a batch begin with the same demonstrations. Their keys and values are kept once, with
batch size 1; each row keeps only its own. Attention over both parts is one softmax over the
concatenated scores, so the result is that of ordinary attention (the decomposition of Hydragen,
arXiv 2402.05099), while the prefix is read once instead of once per row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

NAME = "selfspec_prefix"
SCORES = 1 << 26
"""Most attention scores held at once; more rows are taken in turns."""
_caches: list[Any] = []  # of the forward passes under way; attention modules get no cache


class PrefixLayer:
    """Keys and values of one layer: a prefix of batch 1, then every row's own part.

    The rows' part is written into a buffer of `capacity` columns rather than concatenated, which
    would copy the whole cache for every new token.

    Attributes:
        prefix: keys and values of shape (1, heads, prefix, width), or None.
        used: columns that are filled.
    """

    is_sliding = False
    is_compileable = False

    def __init__(
        self, prefix: tuple[torch.Tensor, torch.Tensor] | None, rows: int, capacity: int
    ) -> None:
        self.prefix, self.rows, self.capacity, self.used = prefix, rows, capacity, 0
        self.keys: Any = None
        self.values: Any = None

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, taken: slice, skipped: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Appends (taken rows, heads, new, width) and returns the taken rows' own part.

        Rows may come in slices one after another; the new columns count once the last has come.

        Args:
            skipped: columns of padding before the new ones, which no row taken has a token in.
        """
        if self.keys is None:  # zeros: what is masked must still be a number
            self.keys, self.values = (
                new.new_zeros(self.rows, new.shape[1], self.capacity, new.shape[-1])
                for new in (keys, values)
            )
        start = self.used + skipped
        end = start + keys.shape[-2]
        self.keys[taken, :, start:end] = keys
        self.values[taken, :, start:end] = values
        if taken.stop == self.rows:
            self.used = end
        return self.keys[taken, :, skipped:end], self.values[taken, :, skipped:end]

    def select(self, rows: torch.Tensor) -> None:
        """Keeps only `rows` of the batch."""
        rows = rows.to(self.keys.device)
        self.keys, self.values, self.rows = self.keys[rows], self.values[rows], len(rows)


def prefix_cache(prefix: Any, layers: int, rows: int, capacity: int) -> Any:
    """Returns a transformers `Cache` of `PrefixLayer`s.

    Before a forward pass its `taken` and `skipped` are to say which rows come, see `PrefixLayer`.

    Args:
        prefix: the `DynamicCache` of the prefix, or None.
        layers: number of decoder layers.
        rows: rows of the batch.
        capacity: columns a row may fill.
    """
    from transformers.cache_utils import Cache

    class RowCache(Cache):
        layers: list[Any]  # `PrefixLayer`s, which transformers does not know
        taken: slice
        skipped: int

        def update(
            self, key_states: Any, value_states: Any, layer_idx: int, *args: Any, **kwargs: Any
        ) -> Any:
            return self.layers[layer_idx].update(key_states, value_states, self.taken, self.skipped)

        def get_seq_length(self, layer_idx: int = 0) -> int:
            return int(self.layers[layer_idx].used)

    parts = [(one.keys, one.values) for one in prefix.layers] if prefix else [None] * layers
    own: list[Any] = [PrefixLayer(part, rows, capacity) for part in parts]
    return RowCache(layers=own)


class CannotShare(Exception):
    """This attention is no plain one, so rows cannot share a prefix."""


@contextmanager
def prefix_attention(model: Any, cache: Any) -> Iterator[None]:
    """Makes `model` attend over the prefixes in `cache` and over each row's own part."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _forward)
    before = model.config._attn_implementation
    model.config._attn_implementation = NAME
    _caches.append(cache)
    try:
        yield
    finally:
        _caches.pop()
        model.config._attn_implementation = before


def _forward(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any = None,
    scaling: float | None = None,
    **kwargs: Any,
) -> tuple[Any, None]:
    """Attends as a function of transformers' `AttentionInterface`."""
    if attention_mask is None or attention_mask.is_floating_point():
        raise CannotShare("attention without the mask that tells rows apart")
    if kwargs.get("softcap") or kwargs.get("s_aux") is not None:
        raise CannotShare("attention with soft caps or sinks")
    prefix = _caches[-1].layers[module.layer_idx].prefix
    if prefix and any(
        a.shape[1::2] != b.shape[1::2] for a, b in zip(prefix, (key, value), strict=True)
    ):
        raise CannotShare("a cache of something else than keys and values")
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    return attend(query * scale, key, value, attention_mask, prefix).transpose(1, 2), None


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    prefix: tuple[torch.Tensor, torch.Tensor] | None,
) -> torch.Tensor:
    """Attends over a shared prefix and each row's own keys.

    Args:
        query: (rows, heads, q, width), already scaled.
        key: (rows, key heads, n, width); several query heads may share a key head.
        value: (rows, key heads, n, value width).
        mask: (rows, 1, q, n), true where a query may look.
        prefix: keys and values (1, key heads, p, their width), or None.

    Returns:
        (rows, heads, q, value width).
    """
    import torch

    if query.shape[2] > 1 and query.device.type == "cpu":
        return _attend_by_parts(query, key, value, mask, prefix)
    rows, heads, q, width = query.shape
    columns = key.shape[2] + (prefix[0].shape[2] if prefix else 0)
    step = max(1, SCORES // (heads * q * columns))
    if step < rows:  # so that the scores of all rows are never held at once
        parts = [slice(i, i + step) for i in range(0, rows, step)]
        return torch.cat([attend(query[p], key[p], value[p], mask[p], prefix) for p in parts])
    shared = key.shape[1]
    group = heads // shared
    query = query.reshape(rows, shared, group, q, width)
    own = query.reshape(rows, shared, group * q, width) @ key.transpose(-1, -2)
    own = own.reshape(rows, shared, group, q, -1)
    own = own.masked_fill(~mask[:, :, None], torch.finfo(own.dtype).min)
    if prefix is None:
        weights = own.float().softmax(-1).to(value.dtype)
        mixed = weights.reshape(rows, shared, group * q, -1) @ value
        return mixed.reshape(rows, heads, q, -1)
    # all rows' queries against the one prefix: a single matrix product per head
    flat = query.permute(1, 0, 2, 3, 4).reshape(shared, -1, width)
    scores = flat @ prefix[0][0].transpose(-1, -2)
    scores = scores.reshape(shared, rows, group, q, -1).transpose(0, 1)
    weights = torch.cat([scores, own], -1).float().softmax(-1).to(value.dtype)
    before, after = torch.split(weights, [scores.shape[-1], own.shape[-1]], -1)
    mixed = after.reshape(rows, shared, group * q, -1) @ value
    before = before.transpose(0, 1).reshape(shared, rows * group * q, -1) @ prefix[1][0]
    before = before.reshape(shared, rows, group * q, -1).transpose(0, 1)
    return (mixed + before).reshape(rows, heads, q, -1)


def _attend_by_parts(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor,
    prefix: tuple[torch.Tensor, torch.Tensor] | None,
) -> torch.Tensor:
    """Does what `attend` does for many queries a row, without ever holding all their scores.

    A kernel that goes through the keys block by block takes the rows' own part and the prefix in
    turn; from the logarithms of their summed weights follows how much each part counts. This is
    the kernel behind `scaled_dot_product_attention` on a CPU, which by itself keeps these sums.
    """
    import torch

    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    rows, heads, q, width = query.shape
    shared = key.shape[1]
    group = heads // shared
    if group > 1:
        key, value = (part.repeat_interleave(group, 1) for part in (key, value))
    hidden = torch.zeros_like(mask, dtype=query.dtype)
    hidden.masked_fill_(~mask, torch.finfo(query.dtype).min)
    own: torch.Tensor
    own, own_sum = kernel(query, key, value, attn_mask=hidden, scale=1.0)
    if prefix is None:
        return own
    flat = query.reshape(rows, shared, group * q, width).transpose(0, 1)
    before: torch.Tensor
    before, before_sum = kernel(flat.reshape(1, shared, -1, width), *prefix, scale=1.0)
    before = before.reshape(shared, rows, group * q, -1).transpose(0, 1).reshape(own.shape)
    before_sum = before_sum.reshape(shared, rows, group * q).transpose(0, 1)
    share = (before_sum.reshape(own_sum.shape) - own_sum).sigmoid()
    return own.lerp(before, share[..., None].to(own.dtype))
