"""The formats of transformers: the adapter as it is, and one model with the adapter in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfspec_core import Exporter, Progress
from selfspec_core.files import naming
from selfspec_plugins.export import trained
from selfspec_plugins.export.cards import agreement, write_card
from selfspec_plugins.export.parity import compare
from selfspec_plugins.export.trained import FULL, Trained
from selfspec_plugins.local.transformers_model import TransformersModel

if TYPE_CHECKING:
    from selfspec_core.specialists import Specialist


class AdapterExporter(Exporter):
    """Copies the adapter with its card. What reads it needs the base model, too."""

    name = "adapter"
    summary = "the plain PEFT adapter, with its card"
    TOLERANCE = 1e-4

    def check(self, specialist: Specialist) -> None:
        """Looks whether there is an adapter."""
        trained.check(specialist)

    def export(
        self, specialist: Specialist, out: Path, precision: str, progress: Progress
    ) -> dict[str, Any]:
        """Copies; compares the copy on the same base."""
        was = Trained(specialist, progress)
        shutil.copytree(specialist.adapter, out, dirs_exist_ok=True)
        copied = was.with_other(out)
        parity = compare(
            self.name, copied, lambda p: was.read(p.text), was.golden, self.TOLERANCE, progress
        )
        if not (out / "README.md").exists():  # a run writes its cards when it ends
            write_card(specialist, out, "peft", "", parity)
        return {"parity": parity, "said": agreement(parity)}


class MergedExporter(Exporter):
    """Adds the adapter to the base in full precision; the result needs no PEFT.

    The default keeps fp32, which is exact; bf16 and f16 halve it and round.
    """

    name = "merged"
    summary = "safetensors and tokenizer of one model, the adapter merged into its base"
    precisions = ("f32", "bf16", "f16")
    TOLERANCES = {"f32": 1e-4, "bf16": 0.1, "f16": 0.02}
    DTYPES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}

    def check(self, specialist: Specialist) -> None:
        """Looks whether there is an adapter."""
        trained.check(specialist)

    def export(
        self, specialist: Specialist, out: Path, precision: str, progress: Progress
    ) -> dict[str, Any]:
        """Merges and saves; loads what was saved and compares."""
        import torch

        was = Trained(specialist, progress)
        hf = was.merged().to(getattr(torch, self.DTYPES[precision]))
        with naming(out):
            hf.save_pretrained(out)
            was.model.tokenizer.save_pretrained(out)
        del hf
        was.release()
        place = {"name": "transformers", "path": out, "revision": None, **FULL}
        again = TransformersModel(was.model.settings.model_copy(update=place))
        again.load()
        parity = compare(
            self.name,
            again.hf,
            lambda p: again.encode([p.text])[0],
            was.golden,
            self.TOLERANCES[precision],
            progress,
        )
        write_card(specialist, out, "transformers", "", parity)
        return {"parity": parity, "said": agreement(parity)}
