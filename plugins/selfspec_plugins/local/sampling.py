"""Choosing the next token, row by row, independent of the batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selfspec_core.model_types import Sampling

if TYPE_CHECKING:
    import torch

FEW = 256
"""Most probable tokens looked at before the whole vocabulary is sorted."""


def uniforms(rows: int, sampling: Sampling) -> torch.Tensor | None:
    """Returns a uniform number for each row and step, or None for greedy decoding.

    Row i's numbers depend on `random_seed`, i and `max_new_tokens` alone.
    """
    import torch

    if sampling.temperature == 0:
        return None
    generator = torch.Generator().manual_seed(sampling.random_seed)
    return torch.rand(rows, sampling.max_new_tokens, generator=generator, dtype=torch.float64)


def choose(logits: torch.Tensor, drawn: torch.Tensor | None, sampling: Sampling) -> torch.Tensor:
    """Returns a token per row of `logits`, (rows, vocabulary).

    Args:
        drawn: a uniform number per row, by which the cumulative distribution over the nucleus of
            `top_p` is inverted; None takes the most probable token.
    """
    import torch

    if drawn is None:
        return logits.argmax(-1)
    probabilities = (logits.float() / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        least = nucleus(probabilities, sampling.top_p)
        probabilities = probabilities.where(probabilities >= least, 0.0)
    cumulative = probabilities.double().cumsum(-1)
    target = drawn.to(cumulative.device)[:, None] * cumulative[:, -1:]
    # right: a token of probability 0 is never the answer, even for a draw of exactly 0
    return torch.searchsorted(cumulative, target, right=True)[:, 0]


def nucleus(probabilities: torch.Tensor, top_p: float) -> torch.Tensor:
    """Returns per row, (rows, 1), the least probability in the smallest set worth `top_p`."""
    few = min(FEW, probabilities.shape[-1])
    values = probabilities.topk(few).values
    least = _last_inside(values, top_p)
    wide = values.sum(-1) < top_p
    if few < probabilities.shape[-1] and wide.any():
        least[wide] = _last_inside(probabilities[wide].sort(descending=True).values, top_p)
    return least


def _last_inside(values: torch.Tensor, top_p: float) -> torch.Tensor:
    inside = values.cumsum(-1) - values < top_p
    return values.gather(-1, inside.sum(-1, keepdim=True) - 1)
