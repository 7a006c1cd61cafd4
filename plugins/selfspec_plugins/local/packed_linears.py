"""Linear layers on a CPU, without gradients, through oneDNN with weights laid out for it.

torch multiplies fp32 matrices with MKL, from weights as they lie in a file. oneDNN, which torch
brings too, lays them out in blocks first: a few rows then take a third to two thirds of the time,
thousands four fifths. The layer keeps its own weights for training and for saving; a large model,
whose weights nobody wants twice in memory, is multiplied by oneDNN as it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

LEAST, MOST = 32 << 20, 2 << 30
"""Bytes of weights: of less, caches hold a good part anyway; more are not held a second time."""
FEW, MANY = 8, 64
"""Rows are filled up to a multiple of FEW, beyond MANY of them to one of MANY: oneDNN makes, and
keeps, a kernel for each number of rows."""


def pack_linears(model: Any) -> int:
    """Lets the plain linear layers of a model go through oneDNN; returns how many do.

    That is 0 where the model is small, is not in fp32 on a CPU, or torch has no oneDNN.
    """
    import torch

    if not _works():
        return 0
    layers = [
        layer
        for layer in model.modules()
        if type(layer) is torch.nn.Linear
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
    ]
    size = sum(layer.weight.nbytes for layer in layers)
    if size < LEAST:
        return 0
    for layer in layers:
        forward = Packed(layer, copied=size <= MOST)
        layer.forward = forward  # type: ignore[method-assign]  # what wraps the layer calls it too
    return len(layers)


def _works() -> bool:
    """Says whether this torch multiplies through oneDNN; what that takes has no public name."""
    import torch

    if not torch.backends.mkldnn.is_available():
        return False
    rows, weight = torch.ones(2, 3), torch.ones(4, 3)
    try:
        found = _multiply(rows, _laid_out(weight), None)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(found, rows @ weight.T)


class Packed:
    """In place of a layer's `forward`.

    Args:
        layer: keeps its weights; they are laid out on first use, and again when they have changed.
            What torch does not count is not seen: a change in place by way of `weight.data`.
        copied: whether to lay weights out at all.
    """

    def __init__(self, layer: torch.nn.Linear, *, copied: bool = True) -> None:
        self._layer, self._copied = layer, copied
        self._packed: torch.Tensor | None = None
        self._storage: Any = None  # what was laid out, held weakly
        self._of = (0, 0)

    def __call__(self, input: torch.Tensor) -> torch.Tensor:
        """Returns what the layer does, (..., in) -> (..., out), but for rounding."""
        import torch

        weight, bias = self._layer.weight, self._layer.bias
        plain = input.dtype == weight.dtype == torch.float32 and weight.device.type == "cpu"
        if torch.is_grad_enabled() or not plain:
            return torch.nn.functional.linear(input, weight, bias)
        return _multiply(input, self._latest(weight), bias)

    def _latest(self, weight: torch.Tensor) -> torch.Tensor:
        if not self._copied:
            return weight
        from torch.multiprocessing.reductions import StorageWeakRef

        # An address alone says little: other weights come to lie where freed ones lay. A storage
        # that is referred to, if weakly, shares its handle with no later one.
        storage, of = weight.untyped_storage(), (weight.data_ptr(), weight._version)
        known = self._storage is not None and self._storage.cdata == storage._cdata
        if self._packed is None or not known or self._of != of:
            self._packed = _laid_out(weight)
            self._storage, self._of = StorageWeakRef(storage), of
        return self._packed

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_packed": None, "_storage": None}  # neither can be copied


def _laid_out(weight: torch.Tensor) -> torch.Tensor:
    import torch

    packed: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.detach())
    return packed


def _multiply(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    import torch

    rows = input.reshape(-1, input.shape[-1])
    lacking = -len(rows) % (FEW if len(rows) <= MANY else MANY)
    if lacking:
        rows = torch.nn.functional.pad(rows, (0, 0, 0, lacking))
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return product[: len(product) - lacking].view(*input.shape[:-1], weight.shape[0])
