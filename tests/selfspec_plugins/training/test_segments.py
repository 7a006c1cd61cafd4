"""Examples that attend by themselves in one row: logits and gradients are those of each alone."""

from __future__ import annotations

import pytest
import tiny_models
import torch

from selfspec_plugins.training.segments import bounds_of, segment_attention, segments_are_exact

LENGTHS = (11, 1, 7)


def row(model):
    size = model.hf.config.get_text_config().vocab_size
    ids = torch.tensor([[(5 * i + 2) % size for i in range(sum(LENGTHS))]])
    return ids, torch.cat([torch.arange(length) for length in LENGTHS])[None]


def test_bounds_lie_where_positions_begin_again():
    positions = torch.cat([torch.arange(length) for length in LENGTHS])[None]
    assert bounds_of(positions) == [0, 11, 12, 19]


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_logits_and_gradients_are_those_of_each_example_alone(tiny, architecture):
    hf = tiny(architecture).hf
    assert segments_are_exact(hf, max(LENGTHS))
    ids, positions = row(tiny(architecture))
    weight = next(p for name, p in hf.named_parameters() if "mlp" in name and p.dim() == 2)
    weight.requires_grad_()  # a training before may have frozen it
    with segment_attention(hf) as bounds:
        bounds[:] = bounds_of(positions)
        together = hf(input_ids=ids, position_ids=positions, use_cache=False).logits[0]
        (ours,) = torch.autograd.grad(together.square().sum(), weight)
    apart = torch.cat([hf(input_ids=part).logits[0] for part in ids.split(LENGTHS, 1)])
    (theirs,) = torch.autograd.grad(apart.square().sum(), weight)
    assert (together - apart).abs().max() < 1e-5 * apart.abs().max()
    assert (ours - theirs).abs().max() < 1e-4 * theirs.abs().max()
    assert hf.config._attn_implementation != "selfspec_segments"


def test_a_window_narrower_than_an_example_and_an_attention_of_its_own_rule_them_out(
    tiny, monkeypatch
):
    hf = tiny("llama").hf
    monkeypatch.setattr(hf.config, "sliding_window", 8, raising=False)
    assert segments_are_exact(hf, 8)
    assert not segments_are_exact(hf, 9)
    monkeypatch.setattr(type(hf), "_supports_attention_backend", False)
    assert not segments_are_exact(hf, 8)
