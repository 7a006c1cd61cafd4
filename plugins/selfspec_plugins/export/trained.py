"""The trained model of a run, as it is measured against: base in full precision, adapter on it."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core import Progress, SelfspecError, UsageError
from selfspec_plugins.export.parity import PROMPTS, Golden, Prompt, record
from selfspec_plugins.local.batches import Ids
from selfspec_plugins.local.transformers_model import TransformersModel

if TYPE_CHECKING:
    from selfspec_core.specialists import Specialist

FULL = {"dtype": "float32", "quantization": "none", "processes": 1}
"""How a model is loaded to be merged or compared: never in 4 bits, which would round."""


def check(specialist: Specialist) -> None:
    """Refuses what has no weights here.

    Raises:
        UsageError: naming the model.
    """
    model = specialist.model()
    if not isinstance(model, TransformersModel):
        raise UsageError(f"export: model '{model.name}' has no weights here that could be written")
    if not (specialist.adapter / "adapter_config.json").is_file():
        raise UsageError(f"export: {specialist.adapter} holds no PEFT adapter")


class Trained:
    """The base model in fp32 with the run's adapter, and the golden prompts it was asked.

    Attributes:
        model: the base; its `hf` is the transformers model.
        golden: what it says to the run's prompts.
    """

    def __init__(self, specialist: Specialist, progress: Progress) -> None:
        model = specialist.model(**FULL)
        assert isinstance(model, TransformersModel)
        model.load()
        specialist.check_base(model)
        self.model, self.adapter = model, specialist.adapter
        self._peft = with_adapter(model.hf, specialist.adapter)
        self.golden: list[Golden] = record(
            self._peft, self.read, prompts(specialist, model), self.ends, model.context, progress
        )

    @property
    def ends(self) -> set[int]:
        """The tokens that end a text."""
        return set(self.model.engine.ends)

    def read(self, text: str) -> Ids:
        """Returns the tokens of a prompt's text."""
        return self.model.encode([text])[0]

    def merged(self) -> Any:
        """Adds the adapter to the weights, for good, and returns the model."""
        self._peft = self._peft.merge_and_unload(safe_merge=True)
        return self._peft

    def with_other(self, adapter: Path) -> Any:
        """Puts another adapter in place of the run's and returns the model."""
        self._peft.unload()
        self._peft = with_adapter(self.model.hf, adapter)
        return self._peft

    def release(self) -> None:
        """Makes room for what was written; the golden prompts stay."""
        self._peft = None
        self.model.unload()
        gc.collect()


def with_adapter(hf: Any, adapter: Path) -> Any:
    """Returns a model with a PEFT adapter beside its weights.

    Raises:
        SelfspecError: if the adapter cannot be read.
    """
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(hf, adapter, autocast_adapter_dtype=False).eval()
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SelfspecError(f"{adapter}: {first}") from error


def prompts(specialist: Specialist, model: TransformersModel) -> list[Prompt]:
    """Returns the run's questions in the layout of the tuning, rendered for the model.

    Raises:
        SelfspecError: if the run has none.
    """
    layout = specialist.layout
    found = [
        Prompt(q.instruction, q.input, model.render(layout.prompt(q.instruction, q.input)))
        for q in specialist.questions(PROMPTS)
    ]
    if not found:
        raise SelfspecError(f"{specialist.run}: has neither items nor seeds to compare with")
    return found
