"""Adapters merged into one by PEFT: TIES (arXiv 2306.01708) and DARE (arXiv 2311.03099)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core import Adapter, Composer, Context, Expert, UsageError
from selfspec_plugins.compose.stacking import COMBINED, check_adapters, combined
from selfspec_plugins.training.tuned import save

_FILE = "merge.json"


class MergeSettings(BaseModel):
    """How much of each adapter stays, and how much it counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    density: float = Field(0.5, gt=0, lt=1, description="share of the weights that is kept")
    weight: float = Field(1.0, gt=0, description="of every adapter")


class _Merge(Composer):
    """Has PEFT combine the adapters' A and B matrices, each kind by itself.

    What the weights should be depends on how many adapters there are and how alike they are; dev
    items choose between 1 and a mean.
    """

    kind: ClassVar[str]
    Settings = MergeSettings
    settings: MergeSettings

    def check(self, experts: Sequence[Expert], context: Context) -> None:
        """Looks whether the adapters are plain LoRA of one rank."""
        ranks = [config["r"] for config in check_adapters(self.name, experts, context)]
        for expert, rank in zip(experts, ranks, strict=True):
            if rank != ranks[0]:
                raise UsageError(
                    f"{self.name}: {expert.name} has rank {rank}, {experts[0].name} {ranks[0]}; "
                    "their weights cannot be merged"
                )

    def choices(self, experts: Sequence[Expert]) -> Sequence[Mapping[str, Any]]:
        """Returns the sum of the adapters, their mean, and what lies between."""
        mean = 1 / len(experts)
        return [{"weight": round(weight, 3)} for weight in (1.0, mean**0.5, mean)]

    def compose(self, experts: Sequence[Expert], out: Path, context: Context) -> Adapter:
        """Merges and saves."""
        import torch

        def combine(peft: Any, names: list[str]) -> None:
            torch.manual_seed(context.random_seed_of("compose") % 2**31)  # DARE drops by chance
            weights = [self.settings.weight] * len(names)
            kind = {"combination_type": self.kind, "density": self.settings.density}
            peft.base_model.add_weighted_adapter(names, weights, COMBINED, **kind)

        model: Any = context.model
        with torch.random.fork_rng(), combined(experts, context, combine) as peft:
            save(peft, out, model.given_name)
        about = {"kind": self.kind, **self.settings.model_dump()}
        (out / _FILE).write_text(json.dumps(about) + "\n", encoding="utf-8")
        return Adapter(out)

    def describe(self, folder: Path) -> dict[str, Any]:
        """Returns how it was merged."""
        found: dict[str, Any] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
        return found


class Ties(_Merge):
    """Trims small weights, lets signs be elected, and averages those that agree."""

    name = "ties"
    summary = "adapters merged by TIES: trim, elect signs, average"
    kind = "ties"


class Dare(_Merge):
    """Drops weights by chance, scales up the rest, and adds them."""

    name = "dare"
    summary = "adapters merged by DARE: drop by chance, rescale, add"
    kind = "dare_linear"
