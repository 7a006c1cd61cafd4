"""Adapters on a resident model: which are in memory, which one speaks.

A small adapter on weights in full precision is added to them while it is in use, and what the
weights were is put back afterwards, bit by bit: the specialist then costs no more than the base.
Quantized and half-precision weights would round, so there the adapter stays beside them. So does
one with a router beside it (`compose`), which sends every token another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfspec_core.errors import SelfspecError
from selfspec_plugins.compose.router import FILE as ROUTER
from selfspec_plugins.compose.router import Router

IN_MEMORY = 4
"""Adapters kept in memory; the one not used for longest goes first."""
MERGED_BYTES = 1 << 30
"""A model whose tuned weights are larger keeps its adapter apart: merging holds both."""


class Adapters:
    """The adapters of one model.

    Attributes:
        hf: the base model; adapters are hung onto its layers.
    """

    def __init__(self, hf: Any) -> None:
        self.hf = hf
        self._peft: Any = None
        self._names: dict[tuple[str, int, int], str] = {}  # in order of use
        self._count = 0
        self._routed: set[str] = set()  # mixtures: what they add depends on the token
        self._weights: list[tuple[Any, Any]] = []  # tuned parameters and what they were

    def __len__(self) -> int:
        return 0 if self._peft is None else len(self._peft.peft_config)

    def use(self, path: Path | None) -> None:
        """Switches to the adapter in folder `path`, or back to the base with None.

        An adapter is read once, and again if its file has changed.
        """
        self._part()
        if path is None:
            if self._peft is not None:
                self._peft.base_model.disable_adapter_layers()
            return
        stat = (path / "adapter_model.safetensors").stat()
        key = (str(path.resolve()), stat.st_mtime_ns, stat.st_size)
        name = self._names.pop(key, None) or self._read(path)
        self._names[key] = name
        self._peft.base_model.enable_adapter_layers()
        self._peft.set_adapter(name)
        while len(self._names) > IN_MEMORY:
            self._peft.delete_adapter(self._names.pop(next(iter(self._names))))
        self._merge(name)

    def release(self) -> Any:
        """Takes all adapters out of memory and returns the base model as it was loaded."""
        self._part()
        if self._peft is not None:
            self._peft.unload()
            self._peft, self._names = None, {}
        return self.hf

    def _read(self, path: Path) -> str:
        """Reads an adapter; returns its name in memory.

        Raises:
            SelfspecError: if it is damaged, or another model's.
        """
        self._count += 1
        name, before, first = f"adapter{self._count}", set(vars(self.hf)), self._peft is None
        try:
            self._load(path, name)
            check_loaded(self._peft, path, name)
        except OSError:
            raise
        except Exception as error:  # any: the files may be broken in any way
            from selfspec_plugins.training.tuned import restore

            if first:
                restore(self.hf, before)
                self._peft = None
            elif name in self._peft.peft_config:
                self._peft.delete_adapter(name)
            why = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
            raise SelfspecError(
                f"{path}: is no adapter of this model, or damaged: {why}"
            ) from error
        return name

    def _load(self, path: Path, name: str) -> None:
        from peft import PeftModel

        if self._peft is None:
            self._peft = PeftModel.from_pretrained(self.hf, path, adapter_name=name)
            self._peft.eval()
        else:
            self._peft.load_adapter(path, adapter_name=name)
        if (path / ROUTER).is_file():
            Router.load(path, self.hf.device).hang_onto(self.hf, name)
            self._routed.add(name)

    def _merge(self, name: str) -> None:
        """Adds the adapter to the weights, if that is exact and there is room."""
        import torch

        layers = list(self._layers())
        tuned = [layer.get_base_layer().weight for layer in layers]
        if name in self._routed or not mergeable(layers, name):
            return
        if sum(w.nbytes for w in tuned) > MERGED_BYTES:
            return
        with torch.no_grad():
            for layer, weight in zip(layers, tuned, strict=True):
                self._weights.append((weight, weight.data))
                weight.data = weight.data + layer.get_delta_weight(name)
                layer.merged_adapters.append(name)

    def _part(self) -> None:
        """Gives the weights back as they were."""
        for weight, before in self._weights:
            weight.data = before
        self._weights = []
        for layer in self._layers():
            layer.merged_adapters.clear()

    def _layers(self) -> Iterator[Any]:
        if self._peft is not None:
            from peft.tuners.tuners_utils import BaseTunerLayer

            yield from (m for m in self.hf.modules() if isinstance(m, BaseTunerLayer))


def check_loaded(peft: Any, path: Path, name: str) -> None:
    """Looks whether all of an adapter is in the model and finite; peft only warns of the rest.

    Raises:
        ValueError: saying what is not.
    """
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    with safe_open(path / "adapter_model.safetensors", "pt") as stored:
        there = set(stored.keys())
    state = get_peft_model_state_dict(peft, adapter_name=name, save_embedding_layers=False)
    if apart := sorted(there ^ state.keys()):
        what = "has no place for" if apart[0] in there else "has more layers than the adapter:"
        raise ValueError(f"the model {what} {apart[0]}")
    if wrong := [key for key, tensor in state.items() if not bool(tensor.isfinite().all())]:
        raise ValueError(f"{wrong[0]} holds NaN or infinity")


def mergeable(layers: list[Any], name: str) -> bool:
    """Says whether adapter `name` is plain LoRA, without biases, on linear layers in fp32."""
    import torch
    from peft.tuners import lora

    return all(
        isinstance(layer, lora.Linear)
        and name in layer.lora_A
        and name not in layer.lora_variant
        and not layer.lora_bias[name]
        and layer.get_base_layer().weight.dtype == torch.float32
        for layer in layers
    )
