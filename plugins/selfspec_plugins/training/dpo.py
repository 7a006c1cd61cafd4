"""Direct preference optimization of an adapter with TRL on the resident model, left as it was."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfspec_core.components import Context
from selfspec_core.config import PreferenceSettings
from selfspec_plugins.local.loading import using_threads
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.training.packing import Encoded
from selfspec_plugins.training.sft import shared_arguments
from selfspec_plugins.training.trackers import tracked
from selfspec_plugins.training.tuned import in_fp32, restore, save, watch

_LR = "preference.lr"

Sides = tuple[Encoded, Encoded]
"""The chosen and the rejected answer, each with the prompt before it."""


def order_pairs(pairs: int, batch: int, epochs: float, random_seed: int) -> list[list[int]]:
    """Returns the pairs of each optimizer step: passes over all of them, each in a new order.

    All steps have the same number, so that micro-batches weigh alike: what the last step of the
    last pass lacks is taken from one more pass.
    """
    size = min(batch, pairs)
    steps = max(1, math.ceil(epochs * pairs / size))
    shuffled, order = random.Random(random_seed), list(range(pairs))
    line: list[int] = []
    while len(line) < steps * size:
        shuffled.shuffle(order)
        line += order
    return [line[at * size : (at + 1) * size] for at in range(steps)]


def optimize(
    model: TransformersModel,
    micro: Sequence[Sequence[Sides]],
    parts: int,
    adapter: Path,
    out: Path,
    context: Context,
    random_seed: int,
) -> list[float]:
    """Goes on from `adapter` over the micro-batches, `parts` to a step; returns each step's loss.

    The reference is the adapter as it was: TRL keeps a frozen copy of it beside the one it tunes.
    """
    from datasets import Dataset
    from peft import PeftModel
    from transformers import PrinterCallback

    hf = model.release_adapters()
    padding = model.tokenizer.pad_token_id

    def collated(turn: list[dict[str, int]]) -> Any:
        (only,) = turn
        return collate(micro[only["part"]], padding)

    losses: list[float] = []
    before = set(vars(hf))
    steps = len(micro) // parts
    training = context.settings.training
    threads, logs = using_threads(training.threads), tracked(training.report_to, out)
    with tempfile.TemporaryDirectory() as scratch, _unchanged(hf), threads, logs:
        try:
            arguments = _arguments(context, hf, scratch, steps, parts, random_seed)
            arguments._n_gpu = 1  # one process, one model: never DataParallel over what it sees
            trainer = _trainer_class()(
                model=PeftModel.from_pretrained(hf, adapter, is_trainable=True),
                args=arguments,
                train_dataset=Dataset.from_dict({"part": list(range(len(micro)))}),
                data_collator=collated,
                processing_class=model.tokenizer,
                callbacks=[watch(losses, context.progress.advance, _LR)],
            )
            trainer.remove_callback(PrinterCallback)
            in_fp32(trainer.model)
            trainer.train()
            save(trainer.model, out, model.given_name, lr=_LR)
        finally:
            restore(hf, before)
    return losses


def collate(pairs: Sequence[Sides], padding: int) -> dict[str, Any]:
    """Returns what TRL's loss takes: all chosen rows, then all rejected ones, padded."""
    import torch

    rows = [side for sides in zip(*pairs, strict=True) for side in sides]
    width = max(len(row.ids) for row in rows)

    def table(lines: list[list[int]], filler: int) -> Any:
        return torch.tensor([line + [filler] * (width - len(line)) for line in lines])

    return {
        "input_ids": table([row.ids for row in rows], padding),
        "attention_mask": table([[1] * len(row.ids) for row in rows], 0),
        "completion_mask": table(
            [[0] * row.start + [1] * (len(row.ids) - row.start) for row in rows], 0
        ),
    }


def _trainer_class() -> Any:
    """Returns TRL's trainer without its tokenization: rows are those the specialist sees."""
    from trl import DPOTrainer

    class PairTrainer(DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:
            return dataset

    return PairTrainer


def _arguments(
    context: Context, hf: Any, scratch: str, steps: int, parts: int, random_seed: int
) -> Any:
    from trl import DPOConfig

    settings: PreferenceSettings = context.settings.preference
    return DPOConfig(
        **shared_arguments(context.settings.training, hf, scratch, steps, parts),
        learning_rate=settings.lr,
        seed=random_seed,
        beta=settings.beta,
    )


@contextmanager
def _unchanged(hf: Any) -> Iterator[None]:
    """Gives the resident model its dropout and its padding back, which TRL changes for good."""
    import torch

    dropout = [(m, m.p) for m in hf.modules() if isinstance(m, torch.nn.Dropout)]
    configs = [hf.config.get_text_config(), hf.generation_config]
    padding = [config.pad_token_id for config in configs]
    try:
        yield
    finally:
        for module, share in dropout:
            module.p = share
        for config, token in zip(configs, padding, strict=True):
            config.pad_token_id = token
