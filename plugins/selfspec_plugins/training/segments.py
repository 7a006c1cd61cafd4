"""Attention over examples that lie one after another in a single row, without padding or mask.

Each example attends by itself, causally: the upper half of every score table is never computed,
and neither is anything between two examples. Variable-length kernels do this on a GPU; here it is
plain `scaled_dot_product_attention`, once per example.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAME = "selfspec_segments"
_bounds: list[list[int]] = []  # of the trainings under way; attention modules get nothing of ours


class CannotSegment(Exception):
    """This attention is no plain one."""


@contextmanager
def segment_attention(hf: Any) -> Iterator[list[int]]:
    """Makes `hf` attend within segments; yields the list of their bounds, to be filled.

    The bounds are those of the row that went in last: gradient checkpointing computes a forward
    again during its backward.
    """
    from transformers import AttentionInterface, AttentionMaskInterface

    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, lambda *args, **kwargs: None)
    before = hf.config._attn_implementation
    hf.config._attn_implementation = NAME
    _bounds.append([])
    try:
        yield _bounds[-1]
    finally:
        _bounds.pop()
        hf.config._attn_implementation = before


def bounds_of(position_ids: Any) -> list[int]:
    """Returns where the examples of a row (1, columns) begin, and where the last one ends."""
    starts = (position_ids[0] == 0).nonzero()[:, 0].tolist()
    return [*starts, position_ids.shape[1]]


def segments_are_exact(hf: Any, longest: int) -> bool:
    """Tries on two short examples whether segments give what the model itself gives.

    Args:
        longest: tokens of the longest example; a narrower window of attention rules segments out.
    """
    import torch

    config = hf.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    if hf.device.type != "cpu" or not hf._supports_attention_backend:
        return False
    if window is not None and window < longest and getattr(config, "use_sliding_window", True):
        return False
    lengths = (9, 6)
    ids = torch.tensor([[(7 * i + 3) % config.vocab_size for i in range(sum(lengths))]])
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    try:
        with torch.inference_mode(), segment_attention(hf) as bounds:
            bounds[:] = bounds_of(positions)
            ours = hf(input_ids=ids, position_ids=positions, use_cache=False).logits[0]
            bounds[:] = [0, lengths[0]]
            alone = hf(input_ids=ids[:, : lengths[0]], use_cache=False).logits[0]
        with torch.inference_mode():
            plain = [
                hf(input_ids=part, use_cache=False).logits[0] for part in ids.split(lengths, 1)
            ]
    except CannotSegment:
        return False
    wanted = torch.cat(plain)
    gap = (ours - wanted).abs().max(), (alone - plain[0]).abs().max()
    return bool(max(gap) < 1e-3 * max(1.0, float(wanted.abs().max())))


def _forward(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Any, None]:
    """Attends as a function of transformers' `AttentionInterface`."""
    import torch

    if kwargs.get("softcap") or kwargs.get("s_aux") is not None:
        raise CannotSegment("attention with soft caps or sinks")
    bounds = _bounds[-1]
    mixed = [
        torch.nn.functional.scaled_dot_product_attention(
            query[:, :, start:end],
            key[:, :, start:end],
            value[:, :, start:end],
            dropout_p=dropout,
            scale=scaling,
            is_causal=True,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        for start, end in zip(bounds, bounds[1:], strict=False)
    ]
    return torch.cat(mixed, 2).transpose(1, 2).contiguous(), None
