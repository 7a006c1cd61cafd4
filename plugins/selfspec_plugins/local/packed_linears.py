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
"""Rows are filled up to a multiple of the one or the other: oneDNN makes, and keeps, a kernel for
each number of rows."""


def pack_linears(model: Any) -> int:
    """Lets the plain linear layers of a model go through oneDNN; returns how many do.

    None where the model is small, is not in fp32 on a CPU, or torch has no oneDNN.
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
        layer: keeps its weights; they are laid out on first use, and again when they have changed
            (a change in place of `weight.data`, which torch does not count, goes unseen).
        copied: whether to lay weights out at all.
    """

    def __init__(self, layer: torch.nn.Linear, *, copied: bool = True) -> None:
        self._layer, self._copied = layer, copied
        self._packed: torch.Tensor | None = None
        self._of: tuple[Any, ...] = ()
        self._memory: Any = None  # of the weights laid out; watched, not kept

    def __call__(self, input: torch.Tensor) -> torch.Tensor:
        """Returns what the layer does, (..., in) -> (..., out), but for rounding."""
        import torch

        weight, bias = self._layer.weight, self._layer.bias
        plain = input.dtype == weight.dtype == torch.float32 and weight.device.type == "cpu"
        plain = plain and not weight.is_inference()  # such weights do not count their changes
        if torch.is_grad_enabled() or not plain:
            return torch.nn.functional.linear(input, weight, bias)
        return _multiply(input, self._latest(weight), bias)

    def _latest(self, weight: torch.Tensor) -> torch.Tensor:
        if not self._copied:
            return weight
        # an address alone is soon that of other weights: one adapter's, merged after another's
        memory = weight.untyped_storage()
        of = memory._cdata, weight.data_ptr(), weight._version
        if self._packed is None or self._of != of:
            self._packed, self._of, self._memory = _laid_out(weight), of, _watched(memory)
        return self._packed

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_packed": None, "_memory": None}  # these cannot be copied


def _watched(memory: torch.UntypedStorage) -> Any:
    """Returns what keeps the name of a memory from being given to another, not its bytes."""
    from torch.multiprocessing.reductions import StorageWeakRef

    return StorageWeakRef(memory)


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
