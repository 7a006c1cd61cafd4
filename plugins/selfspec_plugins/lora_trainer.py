"""LoRA and QLoRA on the resident model, through peft and TRL."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from selfspec_core.components import Context, Trainer
from selfspec_core.config import TrainingSettings
from selfspec_core.errors import SelfspecError
from selfspec_core.hookspecs import hookimpl
from selfspec_core.layouts import Layout
from selfspec_core.types import Adapter, Example, Pair, Seed
from selfspec_plugins.batches import common_prefix
from selfspec_plugins.dpo import optimize, order_pairs
from selfspec_plugins.packing import Encoded, count_steps, order_steps, pack, shorten, split
from selfspec_plugins.sft import fit
from selfspec_plugins.transformers_model import TransformersModel

ROWS_PER_FORWARD = "training_rows_per_forward"
PAIRS_PER_FORWARD = "training_pairs_per_forward"


class LoraTrainer(Trainer):
    """Low-rank adapters on all linear layers; the loss is on response tokens only.

    An optimizer step sees `training.batch` examples, packed into rows of at most
    `training.max_tokens` and kept apart there. Same rows, settings, versions and thread count give
    the same bytes.
    """

    name: ClassVar[str] = "lora"
    summary: ClassVar[str] = "LoRA or QLoRA (4-bit base) with peft and TRL"

    def train(
        self,
        rows: Sequence[Seed | Example],
        out: Path,
        context: Context,
        *,
        steps: int | None = None,
    ) -> Adapter:
        """Tunes an adapter and saves it in `out`; the resident model is left as it was.

        Raises:
            SelfspecError: if there are no rows, or the model cannot be trained here.
        """
        model, settings = _tunable(context), context.settings.training
        if not rows:
            raise SelfspecError("nothing to train on: no example passed the filters")
        random_seed = context.random_seed_of("train") % 2**31
        encoded = encode(rows, context.tuned_layout, model, _longest(model, settings))
        taken = steps or count_steps(len(rows), settings.batch, settings.epochs)
        order = order_steps(len(rows), settings.batch, taken, random_seed)
        packed = [
            pack([encoded[i] for i in step], _capacity(model, [encoded[i] for i in step], settings))
            for step in order
        ]
        most = max(map(len, packed))

        def attempt(lines: int) -> list[float]:
            parts = math.ceil(most / lines)
            micro = [part for step in packed for part in split(step, parts)]
            return fit(model, micro, parts, out, context, random_seed)

        losses = _within_memory(ROWS_PER_FORWARD, most, attempt, context)
        return Adapter(
            path=out,
            rows=len(rows),
            steps=taken,
            tokens=sum(len(encoded[i].ids) - encoded[i].start for step in order for i in step),
            loss=_ends(losses),
        )

    def prefer(self, pairs: Sequence[Pair], adapter: Path, out: Path, context: Context) -> Adapter:
        """Goes on from `adapter` by DPO (arXiv 2305.18290) and saves the result in `out`.

        Raises:
            SelfspecError: if the model cannot be trained here.
        """
        model, settings = _tunable(context), context.settings.preference
        random_seed = context.random_seed_of("prefer") % 2**31
        longest = _longest(model, context.settings.training)
        chosen, rejected = (
            encode(side, context.tuned_layout, model, longest) for side in _sides(pairs)
        )
        sides = list(zip(chosen, rejected, strict=True))
        order = order_pairs(len(sides), settings.batch, settings.epochs, random_seed)
        size = len(order[0])

        def attempt(most: int) -> list[float]:
            each = max(n for n in range(1, most + 1) if size % n == 0)
            micro = [
                [sides[i] for i in step[at : at + each]]
                for step in order
                for at in range(0, size, each)
            ]
            return optimize(model, micro, size // each, adapter, out, context, random_seed)

        losses = _within_memory(PAIRS_PER_FORWARD, size, attempt, context)
        answers = sum(len(e.ids) - e.start for step in order for i in step for e in sides[i])
        return Adapter(out, len(pairs), len(order), answers, _ends(losses))


def _tunable(context: Context) -> TransformersModel:
    if not isinstance(context.model, TransformersModel):
        name = context.model.name
        raise SelfspecError(f"trainer 'lora' cannot tune a model of backend '{name}'")
    return context.model


def _longest(model: TransformersModel, settings: TrainingSettings) -> int:
    return min(settings.max_tokens, model.context or 1 << 30)


def _within_memory(
    decision: str, most: int, attempt: Callable[[int], list[float]], context: Context
) -> list[float]:
    """Trains; after out-of-memory again from the start with half as much in a forward."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(context.settings.training.threads or threads)
    try:
        while True:
            now = min(most, context.decisions.get(decision, most))
            try:
                return attempt(now)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if now == 1 or not _out_of_memory(error):
                    raise
                context.decisions[decision] = now // 2
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
    finally:
        torch.set_num_threads(threads)


def _ends(losses: Sequence[float]) -> tuple[float, float]:
    """Returns the mean loss of the first and of the last tenth of the steps."""
    tenth = math.ceil(len(losses) / 10)
    return sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth


def _sides(pairs: Sequence[Pair]) -> Iterator[list[Example]]:
    """Yields the pairs as examples with the chosen answers, then with the rejected ones."""
    for side in ("chosen", "rejected"):
        yield [
            Example.from_dict({**pair.to_dict(), "output": getattr(pair, side)}) for pair in pairs
        ]


def encode(
    rows: Sequence[Seed | Example], layout: Layout, model: TransformersModel, max_tokens: int
) -> list[Encoded]:
    """Returns each row as the specialist will see it: prompt, response, end of text.

    Prompt and response are tokenized together; the response starts where the whole departs from
    the prompt's own tokens.
    """
    prompts = [model.render(layout.prompt(row.instruction, row.input)) for row in rows]
    alone = model.encode(prompts)
    texts = [p + layout.response(row.output) for p, row in zip(prompts, rows, strict=True)]
    eos = model.tokenizer.eos_token_id
    end = [] if eos is None else [eos]
    return [
        shorten(ids + end, max(1, common_prefix([prompt, ids])), max_tokens)
        for prompt, ids in zip(alone, model.encode(texts), strict=True)
    ]


def _capacity(
    model: TransformersModel, examples: Sequence[Encoded], settings: TrainingSettings
) -> int:
    """Rows need not be longer than the longest example: attention is quadratic in them."""
    if model.hf.device.type == "cpu":
        return max(len(example.ids) for example in examples)
    return settings.max_tokens


def _out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


@hookimpl
def selfspec_trainers() -> list[type[Trainer]]:
    """Offers the trainer."""
    return [LoraTrainer]
