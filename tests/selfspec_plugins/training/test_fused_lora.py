"""LoRA in one product: what comes out, and every gradient, is peft's own."""

from __future__ import annotations

import pytest
import torch
from peft import LoraConfig, get_peft_model

from selfspec_plugins.training.fused_lora import fused_lora


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Linear(12, 20)
        self.second = torch.nn.Linear(20, 5, bias=False)

    def forward(self, x):
        return self.second(torch.nn.functional.silu(self.first(x)))


def tuned(**options):
    options = {"r": 3, "lora_alpha": 7, "target_modules": ["first", "second"]} | options
    net = get_peft_model(Net(), LoraConfig(**options))
    torch.manual_seed(1)
    for name, parameter in net.named_parameters():
        if "lora_" in name:  # B begins at 0, where A has no gradient
            torch.nn.init.normal_(parameter)
    return net


def outcome(net, x):
    x = x.clone().requires_grad_()
    y = net(x)
    learned = [p for p in net.parameters() if p.requires_grad]
    return [y.detach(), *torch.autograd.grad(y.square().sum(), [x, *learned])]


@pytest.mark.parametrize("shape", [(6, 12), (2, 3, 12), (1, 12)])
def test_outputs_and_gradients_are_pefts(shape):
    net, x = tuned(), torch.randn(*shape, generator=torch.Generator().manual_seed(2))
    theirs = outcome(net, x)
    with fused_lora(net) as possible:
        assert possible
        ours = outcome(net, x)
        assert any("forward" in vars(module) for module in net.modules())
    assert not any("forward" in vars(module) for module in net.modules())
    for a, b in zip(ours, theirs, strict=True):
        assert (a - b).abs().max() < 1e-5 * max(1, b.abs().max())


@pytest.mark.parametrize(
    "options", [{"lora_dropout": 0.1}, {"use_dora": True}, {"lora_bias": True}]
)
def test_what_is_not_plain_lora_stays_as_it_is(options):
    net = tuned(**options)
    with fused_lora(net) as possible:
        assert not possible
        assert not any("forward" in vars(module) for module in net.modules())


def test_half_precision_stays_as_it_is():
    net = tuned().to(torch.bfloat16)
    with fused_lora(net) as possible:
        assert not possible
