"""What every tuning does with a model: precision, an eye on the loss, saving, and taking it off."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selfspec_core.errors import SelfspecError
from selfspec_core.files import naming

LR = "training.lr"


def in_fp32(tuned: Any) -> None:
    """Has what is trained in fp32: TRL makes it bf16 on a 4-bit base."""
    for parameter in tuned.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def watch(losses: list[float], advance: Callable[[int], None], lr: str = LR) -> Any:
    """Returns a callback that notes the loss of each step and counts it, those before too.

    Args:
        lr: the setting that a training which diverges is told to lower.
    """
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, *rest: Any, **kwargs: Any) -> None:
            losses[:] = [row["loss"] for row in state.log_history if "loss" in row]
            advance(state.global_step)  # of a training that goes on

        def on_log(self, *args: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
            if logs and "loss" in logs:
                losses.append(logs["loss"])
                if not math.isfinite(losses[-1]):
                    raise diverged(f"the loss of step {len(losses)} is {losses[-1]}", lr)

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            advance(1)

    return Watch()


def diverged(how: str, lr: str = LR) -> SelfspecError:
    """Returns the error of a training that has come to nothing; no adapter is left of it.

    Args:
        lr: the setting that may help.
    """
    return SelfspecError(f"{lr.split('.')[-2]}: {how}; a smaller learning rate ({lr}) may help")


def save(peft_model: Any, out: Path, base: str, state: Any = None, lr: str = LR) -> None:
    """Writes the adapter; its configuration names the base as the user did, in a fixed order.

    Args:
        state: its tensors, where they are not in the model.
        lr: the setting that they hang on.

    Raises:
        SelfspecError: if a weight is no finite number.
    """
    tuned = state.values() if state else (p for p in peft_model.parameters() if p.requires_grad)
    if not all(bool(one.isfinite().all()) for one in tuned):
        raise diverged("weights of the adapter are NaN or infinite after the last step", lr)
    peft_model.peft_config["default"].base_model_name_or_path = base
    named = {"selected_adapters": ["default"], "save_embedding_layers": False}
    with naming(out):
        peft_model.save_pretrained(out, state_dict=state, **named)
    (out / "README.md").unlink(missing_ok=True)  # an empty form of peft's; the run writes a card
    file = out / "adapter_config.json"
    written = json.loads(file.read_text(encoding="utf-8"))
    written["target_modules"] = sorted(written["target_modules"])
    file.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def restore(hf: Any, before: set[str]) -> None:
    """Takes the adapter and everything TRL hung onto the resident model off again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in list(hf.named_modules()):
        if isinstance(module, BaseTunerLayer):
            parent, _, child = name.rpartition(".")
            setattr(hf.get_submodule(parent), child, module.get_base_layer())
    if hf.is_activation_checkpointing:
        hf.activation_checkpointing_disable()
        hf.disable_input_require_grads()
    for name in set(vars(hf)) - before:
        delattr(hf, name)
    hf.eval()
