"""LoRA layers in one product: x (W + s B A) instead of x W + s (x A) B.

On a CPU the narrow products and the sums over whole activations cost as much as the layer itself,
while adding B A to W costs next to nothing. The gradients are those of the two narrow matrices, as
ever. Both equal peft's own, but for rounding; used on plain LoRA over weights in fp32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selfspec_plugins.local.adapters import mergeable

_TUNED = "default"
"""What peft calls an adapter that has been given no name."""


@contextmanager
def fused_lora(hf: Any) -> Iterator[bool]:
    """Replaces the forward of every LoRA layer of `hf`; yields whether that was possible."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: list[Any] = [m for m in hf.modules() if isinstance(m, BaseTunerLayer)]
    possible = mergeable(layers, _TUNED) and all(map(_plain, layers))
    product = _product()

    def forward_of(layer: Any) -> Any:
        base, scale = layer.get_base_layer(), layer.scaling[_TUNED]
        narrow, wide = layer.lora_A[_TUNED], layer.lora_B[_TUNED]

        def forward(x: Any, *args: Any, **kwargs: Any) -> Any:
            return product.apply(x, base.weight, base.bias, narrow.weight, wide.weight, scale)

        return forward

    for layer in layers if possible else ():
        layer.forward = forward_of(layer)
    try:
        yield possible
    finally:
        for layer in layers if possible else ():
            del layer.forward


def _plain(layer: Any) -> bool:
    """Says whether a layer is an `nn.Linear` on a CPU whose adapter drops nothing out."""
    import torch

    base = layer.get_base_layer()
    return (
        type(base) is torch.nn.Linear
        and base.weight.device.type == "cpu"
        and isinstance(layer.lora_dropout[_TUNED], torch.nn.Identity)
    )


def _product() -> Any:
    import torch

    class Product(torch.autograd.Function):
        """A linear layer whose weight is W + s B A, with gradients for A, B and the input."""

        @staticmethod
        def forward(ctx: Any, x: Any, weight: Any, bias: Any, a: Any, b: Any, scale: float) -> Any:
            ctx.save_for_backward(x, weight, a, b)
            ctx.scale = scale
            return torch.nn.functional.linear(x, torch.addmm(weight, b, a, alpha=scale), bias)

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> tuple[Any, ...]:
            x, weight, a, b = ctx.saved_tensors
            given = gradients[0].reshape(-1, weight.shape[0])
            flat = x.reshape(-1, weight.shape[1])
            # few rows times many columns: several times faster than the other way round
            to_a = (b.T @ given.T) @ flat * ctx.scale
            to_b = ((a @ flat.T) @ given).T * ctx.scale
            to_x = None
            if ctx.needs_input_grad[0]:
                to_x = (given @ torch.addmm(weight, b, a, alpha=ctx.scale)).reshape(x.shape)
            return to_x, None, None, to_a, to_b, None

    return Product
