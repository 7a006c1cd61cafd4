"""Log-probabilities of continuations, several of one prompt in one row.

A row is a prompt followed by all its continuations; each continuation sees the prompt and itself,
and its positions follow the prompt's. So a prompt is encoded once for all its choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selfspec_plugins.local.batches import Batch, Ids


def score_batch(
    model: Any, trunks: Sequence[Ids], branches: Sequence[list[tuple[Ids, int]]], *, shares: bool
) -> list[list[float]]:
    """Returns the log-probability (nats) of each branch after its trunk, unscored heads aside.

    Args:
        trunks: tokens of each prompt.
        branches: per trunk, (tokens that follow, how many of these are not scored).
        shares: see `Batch`; without it a trunk may have one branch only.
    """
    import torch

    wide = max(sum(len(tokens) for tokens, _ in row) for row in branches)
    batch = Batch(model, trunks, wide, shares=shares)
    trunk, device = batch.real.shape[1], batch.real.device
    rows = len(trunks)
    ids = torch.zeros(rows, wide, dtype=torch.long)
    segment = torch.full((rows, wide), -1)
    offset = torch.zeros(rows, wide, dtype=torch.long)
    wanted: list[tuple[int, int, int, int]] = []  # branch, row, column of the logits, token
    number = 0
    for i, row in enumerate(branches):
        column = 0
        for k, (tokens, skipped) in enumerate(row):
            end = column + len(tokens)
            ids[i, column:end] = torch.tensor(tokens)
            segment[i, column:end] = k + 1
            offset[i, column:end] = torch.arange(len(tokens))
            for j, token in enumerate(tokens[skipped:], start=skipped):
                wanted.append((number, i, column + j if j else 0, token))
            column, number = end, number + 1
    segment = torch.cat([torch.zeros(rows, trunk), segment], 1).to(device)
    real = torch.cat([batch.real, segment[:, trunk:] > 0], 1)
    own = (batch.real.cumsum(1) - 1).clamp(min=0) + batch.shared
    positions = torch.cat([own, batch.positions[:, None] + offset.to(device)], 1)
    mask: Any = _tree_mask(segment, real) if shares else real.long()
    ids = torch.cat([batch.ids, ids.to(device)], 1)
    logits = batch.call(ids, positions, mask, wide + 1)  # from the last token of the trunk on
    return _sums(logits, wanted, [len(row) for row in branches])


def _tree_mask(segment: Any, real: Any) -> Any:
    import torch

    order = torch.arange(segment.shape[1], device=segment.device)
    same = (segment[:, None] == 0) | (segment[:, None] == segment[:, :, None])
    seen = (order[:, None] >= order) & real[:, None] & same
    return (seen | (order[:, None] == order))[:, None]


def _sums(
    logits: Any, wanted: list[tuple[int, int, int, int]], sizes: list[int]
) -> list[list[float]]:
    import torch

    sums = torch.zeros(sum(sizes), dtype=torch.float64)
    if wanted:
        branch, row, column, token = torch.tensor(wanted).unbind(1)
        at = logits[row.to(logits.device), column.to(logits.device)].float().log_softmax(-1)
        values = at.gather(1, token.to(at.device)[:, None])[:, 0]
        sums.index_add_(0, branch, values.double().cpu())
    flat = iter(sums.tolist())
    return [[next(flat) for _ in range(size)] for size in sizes]
