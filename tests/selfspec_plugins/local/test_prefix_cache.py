"""Attention over a shared prefix and each row's own keys: that of one softmax over both."""

from __future__ import annotations

import pytest
import torch

from selfspec_plugins.local.prefix_cache import PrefixLayer, attend


def written_out(query, key, value, mask, prefix):
    """One softmax over everything, with every key repeated for every query head and row."""
    rows, heads, q, _ = query.shape
    if prefix is not None:
        before = prefix[0].shape[2]
        key = torch.cat([prefix[0].expand(rows, -1, -1, -1), key], 2)
        value = torch.cat([prefix[1].expand(rows, -1, -1, -1), value], 2)
        mask = torch.cat([mask.new_ones(rows, 1, q, before), mask], -1)
    group = heads // key.shape[1]
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    scores = (query @ key.transpose(-1, -2)).masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ value


@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("key_heads", [4, 2])
@pytest.mark.parametrize("before", [0, 1, 19])
def test_it_is_one_softmax_over_prefix_and_own_keys(queries, key_heads, before):
    generator = torch.Generator().manual_seed(before)
    rows, heads, columns, width = 3, 4, 9, 8

    def numbers(*shape):
        return torch.randn(*shape, generator=generator)

    query = numbers(rows, heads, queries, width)
    key, value = (numbers(rows, key_heads, columns, width) for _ in range(2))
    prefix = None
    if before:
        prefix = numbers(1, key_heads, before, width), numbers(1, key_heads, before, width)
    mask = torch.ones(rows, 1, queries, columns, dtype=torch.bool).tril(columns - queries)
    mask[0, :, :, :2] = False  # padding of a short row
    ours = attend(query, key, value, mask, prefix)
    torch.testing.assert_close(ours, written_out(query, key, value, mask, prefix))


def test_rows_that_come_in_slices_without_their_padding_leave_the_same_keys():
    keys, values = torch.randn(2, 4, 2, 6, 3).unbind(0)
    keys[2:, :, :2] = values[2:, :, :2] = 0  # padding
    whole, sliced = (PrefixLayer(None, 4, 8) for _ in range(2))
    whole.update(keys, values, slice(0, 4), 0)
    sliced.update(keys[:2], values[:2], slice(0, 2), 0)
    assert sliced.used == 0
    own = sliced.update(keys[2:, :, 2:], values[2:, :, 2:], slice(2, 4), 2)
    assert torch.equal(own[0], keys[2:, :, 2:]) and torch.equal(own[1], values[2:, :, 2:])
    assert sliced.used == whole.used == 6
    assert torch.equal(sliced.keys, whole.keys) and torch.equal(sliced.values, whole.values)
