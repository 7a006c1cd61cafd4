"""The composer `mixture`: experts behind one router, trained with everything else frozen."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from selfspec_core import Adapter, Composer, Context, Expert, SelfspecError
from selfspec_plugins.compose.router import FILE, Router
from selfspec_plugins.compose.stacking import COMBINED, check_adapters, combined
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.training.lora_trainer import encode, loss_ends
from selfspec_plugins.training.packing import Encoded, collate, order_steps, pack
from selfspec_plugins.training.segments import segment_attention, segments_are_exact
from selfspec_plugins.training.sft import response_loss
from selfspec_plugins.training.tuned import diverged, save

_ROUTED = "routing.json"
_LR = "components.mixture.lr"
_LOOKED_AT = 200
"""Examples of each run by which it is told where the router sends them."""


class MixtureSettings(BaseModel):
    """How the router is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lr: float = Field(1e-2, gt=0, description="peak learning rate")
    epochs: float = Field(2.0, gt=0, le=1000)
    batch: int = Field(32, ge=1, description="examples per optimizer step")


class Mixture(Composer):
    """Lays the adapters side by side and trains a router on what their runs accepted.

    X-LoRA of PEFT does not carry this: it asks the finished states of a first pass of the whole
    model, for all layers at once, and refuses a key-value cache.
    """

    name = "mixture"
    summary = "one linear router for all LoRA layers: each token goes through one expert"
    use = """\
With PEFT, where `base` is the model it was tuned on:

```python
from peft import PeftModel
from selfspec_plugins.compose.router import attach_router

model = PeftModel.from_pretrained(base, "adapter")
attach_router(model, "adapter")  # without it, every token goes through the sum of all experts
```
"""
    Settings = MixtureSettings
    settings: MixtureSettings

    def check(self, experts: Sequence[Expert], context: Context) -> None:
        """Looks whether the adapters are plain LoRA on the same layers."""
        check_adapters(self.name, experts, context)

    def compose(self, experts: Sequence[Expert], out: Path, context: Context) -> Adapter:
        """Trains the router; saves the adapter, the router, and where it sends whose examples.

        Raises:
            SelfspecError: if no run has examples, or the training diverges.
        """
        model: Any = context.model
        random_seed = context.random_seed_of("compose") % 2**31
        ranks = {
            expert.name: int(config["r"])
            for expert, config in zip(
                experts, check_adapters(self.name, experts, context), strict=True
            )
        }

        def combine(peft: Any, names: list[str]) -> None:
            weights = [1.0] * len(names)
            peft.base_model.add_weighted_adapter(names, weights, COMBINED, combination_type="cat")

        with combined(experts, context, combine) as peft:
            width = int(model.hf.config.get_text_config().hidden_size)
            router = Router.new(ranks, width, random_seed, model.hf.device)
            router.hang_onto(peft, COMBINED)
            made = self._train(router, experts, out, context, random_seed)
            router.save(out)
            save(peft, out, model.given_name)
            routed = _routed(router, experts, context)
        (out / _ROUTED).write_text(json.dumps(routed) + "\n", encoding="utf-8")
        return made

    def describe(self, folder: Path) -> dict[str, Any]:
        """Returns how the router was trained, and the share of tokens it sends to each expert."""
        routed = json.loads((folder / _ROUTED).read_text(encoding="utf-8"))
        return {"router": FILE, **self.settings.model_dump(), "routed": routed}

    def _train(
        self,
        router: Router,
        experts: Sequence[Expert],
        out: Path,
        context: Context,
        random_seed: int,
    ) -> Adapter:
        rows = [row for expert in experts for row in _encoded(expert, context)]
        if not rows:
            raise SelfspecError("mixture: no run has an example to train the router on")
        settings = self.settings
        steps = max(1, round(math.ceil(len(rows) / settings.batch) * settings.epochs))
        order = order_steps(len(rows), settings.batch, steps, random_seed)
        losses: list[float] = []
        with context.progress.stage("train the router", steps, "steps"):
            for loss in _steps(
                router, [[rows[i] for i in one] for one in order], settings, context
            ):
                losses.append(loss)
                if not math.isfinite(loss):
                    raise diverged(f"the loss of step {len(losses)} is {loss}", _LR)
                context.progress.advance(1)
        tokens = sum(len(rows[i].ids) - rows[i].start for one in order for i in one)
        return Adapter(out, len(rows), steps, tokens, loss_ends(losses))


def _encoded(expert: Expert, context: Context, most: int | None = None) -> list[Encoded]:
    model: Any = context.model
    longest = min(context.settings.training.max_tokens, model.context or 1 << 30)
    return encode(expert.examples[:most], context.tuned_layout, model, longest)


def _steps(
    router: Router, steps: Sequence[list[Encoded]], settings: MixtureSettings, context: Context
) -> Iterator[float]:
    """Takes optimizer steps on the router; yields the loss of each.

    A packed row goes through the model at a time, so memory is that of one row.
    """
    import torch

    hf: Any = context.model.hf  # type: ignore[attr-defined]  # `check` saw to it
    head, longest = hf.get_output_embeddings(), context.settings.training.max_tokens
    alone = segments_are_exact(hf, longest)
    flat = alone or str(hf.config._attn_implementation).startswith("flash")
    learnt = [router.weight.requires_grad_(), router.bias.requires_grad_()]
    optimizer = torch.optim.AdamW(learnt, lr=settings.lr, weight_decay=0.0)
    falling = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, len(steps))
    with segment_attention(hf) if alone else nullcontext() as bounds:
        for examples in steps:
            tokens, total = sum(len(one.ids) - one.start for one in examples), 0.0
            for row in pack(examples, longest):
                inputs = {key: one.to(hf.device) for key, one in collate([row], flat=flat).items()}
                loss = response_loss(hf, head, inputs, bounds, tokens)
                loss.backward()
                total += float(loss.detach())
            optimizer.step()
            falling.step()
            optimizer.zero_grad()
            yield total
    for parameter in learnt:
        parameter.requires_grad_(False)


def _routed(router: Router, experts: Sequence[Expert], context: Context) -> dict[str, Any]:
    """Returns for each run's examples the share of tokens that went to each expert."""
    import torch

    model = context.model
    assert isinstance(model, TransformersModel)
    shares = {}
    for expert in experts:
        router.tally = torch.zeros(len(experts), dtype=torch.long)
        with torch.inference_mode():
            for row in _encoded(expert, context, _LOOKED_AT):
                model.hf(input_ids=torch.tensor([row.ids], device=model.hf.device))
        counts = router.tally.tolist()
        whole = sum(counts) or 1
        shares[expert.name] = {
            name: round(count / whole, 4) for name, count in zip(router.ranks, counts, strict=True)
        }
    router.tally = None
    return shares
