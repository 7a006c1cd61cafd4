"""One linear router for all LoRA layers: it sends each token through one expert's adapter.

The experts lie side by side in one PEFT adapter (`cat` of `add_weighted_adapter`): A is theirs
stacked, B theirs in a row. A layer is y = W x + B (m * A x), where the mask m lets the columns of
one expert through, the one that scores highest in R x + b (Self-MoE, arXiv 2406.12034). So it costs
two narrow products, whatever the number of experts, and everything that reads PEFT adapters reads
these; only the mask is ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core import SelfspecError, UsageError
from selfspec_core.files import naming

if TYPE_CHECKING:
    import torch

FILE = "router.safetensors"


class Router:
    """A linear layer with one output per expert, and what it let through last.

    Every LoRA layer asks it about its own input. A layer whose input is not as wide as the model
    (that of `down_proj`) goes by what the layer before it was told: it holds the same tokens.

    Attributes:
        ranks: rank by expert, in the order in which they lie in the adapter.
        weight: (experts, width of the model), fp32.
        bias: (experts), fp32.
        tally: how many tokens each expert was sent, over all layers; None: nobody counts.
    """

    def __init__(self, ranks: Mapping[str, int], weight: torch.Tensor, bias: torch.Tensor) -> None:
        import torch

        self.ranks, self.weight, self.bias = dict(ranks), weight, bias
        owners = [[at] * rank for at, rank in enumerate(self.ranks.values())]
        self._owner = torch.tensor([at for own in owners for at in own], device=weight.device)
        self._mask: torch.Tensor | None = None
        self.tally: torch.Tensor | None = None

    @classmethod
    def new(cls, ranks: Mapping[str, int], width: int, random_seed: int, device: Any) -> Router:
        """Returns a router that has learnt nothing: small weights, so that there are no ties."""
        import torch

        draw = torch.Generator().manual_seed(random_seed)
        weight = torch.randn(len(ranks), width, generator=draw) * 0.02
        return cls(ranks, weight.to(device), torch.zeros(len(ranks), device=device))

    @classmethod
    def load(cls, folder: Path, device: Any = "cpu") -> Router:
        """Reads the router that lies beside an adapter.

        Raises:
            SelfspecError: naming the file, if it is none.
        """
        from safetensors import SafetensorError, safe_open

        file = folder / FILE
        try:
            with safe_open(file, "pt", device=str(device)) as stored:
                ranks = json.loads((stored.metadata() or {})["ranks"])
                return cls(ranks, *(stored.get_tensor(name) for name in ("weight", "bias")))
        except (SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise SelfspecError(f"{file}: no router: {why}") from None

    def save(self, folder: Path) -> None:
        """Writes the router beside the adapter.

        Raises:
            SelfspecError: if a weight is no finite number: all would go to the first expert.
        """
        from safetensors.torch import save_file

        tensors = {"weight": self.weight, "bias": self.bias}
        if not all(bool(one.isfinite().all()) for one in tensors.values()):
            said = "mixture: weights of the router are NaN or infinite"
            raise SelfspecError(f"{said}; a smaller components.mixture.lr may help")
        stored = {name: one.detach().cpu().contiguous() for name, one in tensors.items()}
        # one key of metadata: the order of several is another in every file
        with naming(folder / FILE):
            save_file(stored, folder / FILE, {"ranks": json.dumps(self.ranks)})

    def hang_onto(self, hf: Any, adapter: str) -> None:
        """Puts the mask into every layer of a PEFT adapter; it goes when the adapter is deleted.

        Raises:
            UsageError: if the first layer is one that could not ask.
        """
        layers = lora_layers(hf, adapter)
        first = layers[0].lora_A[adapter].in_features if layers else 0
        if first != self.weight.shape[1]:
            raise UsageError(
                f"mixture: the first tuned layer takes {first} features, and the model has "
                f"{self.weight.shape[1]}: a router that reads the model's states cannot serve it"
            )
        for layer in layers:
            layer.lora_A[adapter].register_forward_hook(self._let_through)

    def _let_through(self, module: Any, given: tuple[Any, ...], narrow: Any) -> Any:
        """Masks what comes out of A: (…, all ranks)."""
        if given[0].shape[-1] == self.weight.shape[1]:
            self._mask = self.mask(given[0])
        return narrow * self._mask.to(narrow.dtype)  # type: ignore[union-attr]  # the first asked

    def mask(self, states: torch.Tensor) -> torch.Tensor:
        """Returns for each token 1 in the columns of its expert and 0 elsewhere: (…, all ranks).

        While it is trained, gradients go straight through to the softmax of all experts' scores:
        each expert is told what it would have done to the loss, be it chosen or not.
        """
        import torch

        scores = states.float() @ self.weight.to(states.device).T + self.bias.to(states.device)
        chosen = scores.argmax(-1, keepdim=True)
        if self.tally is not None:
            self.tally += chosen.flatten().bincount(minlength=len(self.ranks)).cpu()
        owner = self._owner.to(states.device)
        if not scores.requires_grad:
            return chosen == owner
        soft = scores.softmax(-1)
        hard = torch.zeros_like(soft).scatter_(-1, chosen, 1.0)
        return (hard + soft - soft.detach()).index_select(-1, owner)


def lora_layers(hf: Any, adapter: str) -> list[Any]:
    """Returns the linear layers that an adapter tunes, in the order of the model."""
    from peft.tuners.lora import LoraLayer

    return [m for m in hf.modules() if isinstance(m, LoraLayer) and adapter in m.lora_A]


def attach_router(peft_model: Any, folder: Path, adapter: str = "default") -> Sequence[str]:
    """Makes a mixture of an adapter that PEFT has loaded from `folder`; returns its experts.

    Raises:
        SelfspecError: if there is no router beside it.
    """
    router = Router.load(folder, peft_model.device)
    router.hang_onto(peft_model, adapter)
    return list(router.ranks)
