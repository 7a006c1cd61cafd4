"""Experts on the resident model: their adapters in one PEFT model, and what PEFT makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from selfspec_core import Context, Expert, UsageError
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.training.tuned import restore

COMBINED = "default"
"""What PEFT calls the adapter that is made: the name that it saves into the folder itself."""

_SHARED = ("target_modules", "peft_type")
_PLAIN = {
    "bias": "none",
    "use_dora": False,
    "use_rslora": False,
    "lora_bias": False,
    "rank_pattern": {},
    "alpha_pattern": {},
    "modules_to_save": None,
    "target_parameters": None,
}


def check_adapters(name: str, experts: Sequence[Expert], context: Context) -> list[dict[str, Any]]:
    """Refuses what PEFT cannot combine: adapters that are not plain LoRA on the same layers.

    Args:
        name: of the composer, for the message.

    Returns:
        What each adapter says of itself.

    Raises:
        UsageError: naming the run and the key.
    """
    if not isinstance(context.model, TransformersModel):
        raise UsageError(f"compose: model '{context.model.name}' has no weights here")
    found = [_config(expert) for expert in experts]
    for expert, config in zip(experts, found, strict=True):
        for key, plain in _PLAIN.items():
            if config.get(key, plain) not in (plain, None):
                raise UsageError(
                    f"{name}: {expert.name} has {key} = {config[key]!r}: not plain LoRA"
                )
        for key in _SHARED:
            if config[key] != found[0][key]:
                raise UsageError(
                    f"{name}: {expert.name} has {key} {_short(config[key])}, {experts[0].name} "
                    f"{_short(found[0][key])}; experts have to be tuned alike"
                )
    return found


def _config(expert: Expert) -> dict[str, Any]:
    file = expert.adapter / "adapter_config.json"
    try:
        config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        modules = config["target_modules"]
        config["target_modules"] = sorted(modules) if isinstance(modules, list) else modules
        config["r"], config["peft_type"]
    except FileNotFoundError:
        raise UsageError(f"{expert.adapter}: holds no PEFT adapter") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file}: damaged: {type(error).__name__}: {error}") from None
    return config


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@contextmanager
def combined(
    experts: Sequence[Expert], context: Context, combine: Callable[[Any, list[str]], None]
) -> Iterator[Any]:
    """Yields a PEFT model with one adapter made of the experts'; the base is as it was afterwards.

    Args:
        combine: is given the PEFT model and the adapters' names, to add the adapter `COMBINED`.
    """
    from peft import PeftModel

    model = context.model
    assert isinstance(model, TransformersModel)
    hf = model.release_adapters()
    before = set(vars(hf))
    names = [f"expert{number}" for number in range(len(experts))]
    try:
        peft: Any = PeftModel.from_pretrained(hf, experts[0].adapter, adapter_name=names[0])
        for name, expert in zip(names[1:], experts[1:], strict=True):
            peft.load_adapter(expert.adapter, adapter_name=name)
        combine(peft, names)
        peft.set_adapter(COMBINED)  # before the others go: PEFT warns when the active one does
        for name in names:
            peft.delete_adapter(name)
        peft.eval()
        for parameter in peft.parameters():
            parameter.requires_grad_(False)
        yield peft
    finally:
        restore(hf, before)
