"""Tuning an adapter: ours beside TRL's SFTTrainer, in the same process, on the same rows.

TRL gets what suits a CPU (fp32, no checkpointing) and the best of its batchings, each of about 32
examples an optimizer step: padded at several batch sizes, sorted by length, packed, or flattened.
Its time is that of `train()` alone, with the rows tokenized beforehand; ours is everything from the
rows to the saved adapter.
"""

from __future__ import annotations

import gc
import math
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from speed import Measured
from speed.models import THREADS, folder, quiet_threads

ROWS, BATCH, LONGEST, RATE = 320, 32, 512, 1e-3
EPOCHS = {"nano": 1, "15M": 1}
TURNS = {"nano": 3, "15M": 2}
PACKED = "packed"
TRL: dict[str, dict[str, Any]] = {
    "32": {"per_device_train_batch_size": 32},
    "8 x 4": {"per_device_train_batch_size": 8},
    "8 x 4 by length": {
        "per_device_train_batch_size": 8,
        "train_sampling_strategy": "group_by_length",
    },
    "8 x 4 flat": {"per_device_train_batch_size": 8, "padding_free": True, "max_length": None},
    PACKED: {"packing": True},
}


@dataclass
class Trained:
    """What one training took and left.

    Attributes:
        seconds: of the training as this module counts it.
        whole: seconds with everything from the rows on.
        after: loss per response token, over all rows, under the saved adapter.
        last: mean of the losses that were logged over the last tenth of the steps.
    """

    seconds: float
    whole: float
    after: float
    last: float
    steps: int


@dataclass
class Rows:
    """The training rows, as seeds and as a reference tokenization."""

    seeds: list[Any]
    ids: list[list[int]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def every(self, number: int) -> Rows:
        """Returns one row in `number`."""
        return Rows(self.seeds[::number], self.ids[::number], self.starts[::number])


def measure() -> Measured:
    """Compares both on nano and on a random model of 15M."""
    quiet_threads()
    import torch

    torch.set_num_threads(THREADS)
    ratios: dict[str, float] = {}
    figures: dict[str, Any] = {}
    for name in EPOCHS:
        ratio, figures[name] = _on(name)
        ratios["training_vs_trl" if name == "nano" else f"training_{name.lower()}_vs_trl"] = ratio
        print(name, figures[name], flush=True)
    return Measured(ratios, figures)


def _rows(tokenizer: Any) -> Rows:
    """Returns seeds of all domains, each once, and their tokens."""
    from selfspec_core.layouts import ALPACA
    from selfspec_core.packages import seeds_from_file

    home = Path(__file__).parents[3] / "seeds" / "selfspec_seeds"
    files = [home / f"{name}.jsonl" for name in ("finance", "biomedicine", "law")]
    rows = Rows([seed for file in files for seed in seeds_from_file(file)][:ROWS])
    assert len(rows.seeds) == ROWS
    for seed in rows.seeds:
        prompt = ALPACA.prompt(seed.instruction, seed.input)
        own = tokenizer(prompt + ALPACA.response(seed.output)).input_ids
        rows.ids.append([*own, tokenizer.eos_token_id])
        rows.starts.append(len(tokenizer(prompt).input_ids))
    assert max(map(len, rows.ids)) <= LONGEST
    return rows


def _on(name: str) -> tuple[float, dict[str, Any]]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder(name))
    rows, epochs = _rows(tokenizer), EPOCHS[name]
    few = rows.every(3)
    tried = {kind: _trl(name, kind, few, tokenizer, 1, 0).seconds for kind in TRL}
    best = min(tried, key=lambda kind: tried[kind])
    _ours(name, few, 1, 0)  # as warm as TRL is by now
    ours, theirs = [], []
    for turn in range(1, TURNS[name] + 1):
        ours.append(_ours(name, rows, epochs, turn))
        theirs.append(_trl(name, best, rows, tokenizer, epochs, turn))
    tokens = epochs * sum(map(len, rows.ids))
    seconds = {"ours": _middle(ours, "seconds"), "trl": _middle(theirs, "seconds")}
    spread = max(stdev([t.after for t in some]) for some in (ours, theirs))
    figures = {
        "rows": ROWS,
        "epochs": epochs,
        "tokens": tokens,
        "longest": max(map(len, rows.ids)),
        "steps": {"ours": ours[0].steps, "trl": theirs[0].steps},
        "trl, a third of the rows, seconds": tried,
        "trl's best": best,
        "seconds": seconds,
        "seconds with everything": {
            "ours": _middle(ours, "whole"),
            "trl": _middle(theirs, "whole"),
        },
        "tokens a second": {key: tokens / value for key, value in seconds.items()},
        "loss after": {"ours": [t.after for t in ours], "trl": [t.after for t in theirs]},
        "loss of the last tenth of the steps": {
            "ours": [t.last for t in ours],
            "trl": [t.last for t in theirs],
        },
        "loss apart": abs(mean(t.after for t in ours) - mean(t.after for t in theirs)),
        "loss from run to run": spread,
    }
    return seconds["trl"] / seconds["ours"], figures


def _middle(some: list[Trained], key: str) -> float:
    return median(getattr(one, key) for one in some)


def _ours(name: str, rows: Rows, epochs: int, random_seed: int) -> Trained:
    from selfspec_core.components import Context
    from selfspec_core.config import ModelSettings, Settings
    from selfspec_plugins.local.transformers_model import TransformersModel
    from selfspec_plugins.training.lora_trainer import LoraTrainer

    model = TransformersModel(ModelSettings(path=folder(name), threads=THREADS))
    model.load()
    settings = Settings.model_validate(
        {
            "random_seed": random_seed,
            "training": {
                "batch": BATCH,
                "epochs": epochs,
                "lr": RATE,
                "max_tokens": LONGEST,
                "threads": THREADS,
            },
        }
    )
    context = Context("finance", model, settings, rows.seeds)
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        adapter = LoraTrainer().train(rows.seeds, Path(out), context)
        seconds = time.perf_counter() - start
        after = _loss(name, Path(out), rows)
    model.unload()
    print(f"{name}: ours {epochs} epochs {seconds:.1f} s", flush=True)
    return Trained(seconds, seconds, after, adapter.loss[1], adapter.steps)


def _trl(
    name: str, kind: str, rows: Rows, tokenizer: Any, epochs: int, random_seed: int
) -> Trained:
    from datasets import Dataset, disable_progress_bars
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, PrinterCallback
    from trl import SFTTrainer

    from selfspec_core.config import TrainingSettings
    from selfspec_core.layouts import ALPACA

    disable_progress_bars()
    model = AutoModelForCausalLM.from_pretrained(folder(name), dtype="float32")
    own = TrainingSettings()
    data = [
        {"prompt": ALPACA.prompt(s.instruction, s.input), "completion": ALPACA.response(s.output)}
        for s in rows.seeds
    ]
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        trainer = SFTTrainer(
            model=model,
            args=_arguments(kind, out, rows, epochs, random_seed),
            train_dataset=Dataset.from_list(data),
            processing_class=tokenizer,
            peft_config=LoraConfig(
                task_type="CAUSAL_LM",
                r=own.r,
                lora_alpha=own.alpha,
                lora_dropout=own.dropout,
                target_modules="all-linear",
            ),
        )
        trainer.remove_callback(PrinterCallback)
        assert _held(trainer.train_dataset) == sum(map(len, rows.ids))
        begin = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - begin
        trainer.model.save_pretrained(out)
        whole = time.perf_counter() - start
        losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
        after = _loss(name, Path(out), rows)
    print(f"{name}: trl {kind} {epochs} epochs {seconds:.1f} s", flush=True)
    del trainer, model
    gc.collect()
    last = losses[-math.ceil(len(losses) / 10) :]
    return Trained(seconds, whole, after, mean(last), len(losses))


def _arguments(kind: str, out: str, rows: Rows, epochs: int, random_seed: int) -> Any:
    from trl import SFTConfig

    options: dict[str, Any] = {"max_length": LONGEST, **TRL[kind]}
    if kind == PACKED:  # a row holds several examples: as many rows as make 32 of them
        in_a_row = LONGEST / (sum(map(len, rows.ids)) / len(rows.ids))
        options["per_device_train_batch_size"] = max(1, round(BATCH / in_a_row))
    else:
        options["gradient_accumulation_steps"] = BATCH // options["per_device_train_batch_size"]
    return SFTConfig(
        output_dir=out,
        use_cpu=True,
        bf16=False,
        activation_checkpointing=False,
        num_train_epochs=epochs,
        learning_rate=RATE,
        lr_scheduler_type="linear",
        warmup_steps=round(0.03 * epochs * len(rows.ids) / BATCH),
        weight_decay=0.0,
        optim="adamw_torch",
        seed=random_seed,
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        report_to=[],
        log_level="error",
        dataloader_pin_memory=False,
        **options,
    )


def _held(dataset: Any) -> int:
    """Returns the tokens of TRL's own dataset, which must be as many as ours."""
    return sum(len(row) for row in dataset["input_ids"])


def _loss(name: str, adapter: Path, rows: Rows) -> float:
    """Returns the mean loss of response tokens under an adapter, by plain transformers and peft."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder(name), dtype="float32")
    model = PeftModel.from_pretrained(base, adapter).eval()
    total, count, order = 0.0, 0, sorted(range(len(rows.ids)), key=lambda i: len(rows.ids[i]))
    with torch.inference_mode():
        for at in range(0, len(order), 16):
            part = order[at : at + 16]
            wide = max(len(rows.ids[i]) for i in part)
            ids = torch.tensor([rows.ids[i] + [0] * (wide - len(rows.ids[i])) for i in part])
            mask = torch.tensor(
                [[1] * len(rows.ids[i]) + [0] * (wide - len(rows.ids[i])) for i in part]
            )
            logits = model(input_ids=ids, attention_mask=mask).logits.log_softmax(-1)
            for line, i in enumerate(part):
                at_least, end = rows.starts[i], len(rows.ids[i])
                places = torch.arange(at_least - 1, end - 1)
                total -= float(logits[line, places, ids[line, places + 1]].sum())
                count += end - at_least
    return total / count
