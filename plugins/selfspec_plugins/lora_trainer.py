"""LoRA and QLoRA on the resident model, through peft and TRL."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from selfspec_core.components import Context, Trainer
from selfspec_core.config import TrainingSettings
from selfspec_core.errors import SelfspecError
from selfspec_core.hookspecs import hookimpl
from selfspec_core.layouts import ALPACA
from selfspec_core.types import Adapter, Example, Seed
from selfspec_plugins.engine import common_prefix
from selfspec_plugins.packing import (
    IGNORED,
    Encoded,
    collate,
    count_steps,
    order_steps,
    pack,
    shorten,
    split,
)
from selfspec_plugins.transformers_model import TransformersModel

ROWS_PER_FORWARD = "training_rows_per_forward"


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
        model, settings = context.model, context.settings.training
        if not isinstance(model, TransformersModel):
            raise SelfspecError(f"trainer 'lora' cannot tune a model of backend '{model.name}'")
        if not rows:
            raise SelfspecError("nothing to train on: no example passed the filters")
        random_seed = context.random_seed_of("train") % 2**31
        encoded = encode(rows, model, settings.max_tokens)
        taken = steps or count_steps(len(rows), settings.batch, settings.epochs)
        order = order_steps(len(rows), settings.batch, taken, random_seed)
        packed = [
            pack([encoded[i] for i in step], _capacity(model, [encoded[i] for i in step], settings))
            for step in order
        ]
        losses = self._fit(packed, out, context, model, random_seed)
        tenth = math.ceil(len(losses) / 10)
        return Adapter(
            path=out,
            rows=len(rows),
            steps=taken,
            tokens=sum(len(encoded[i].ids) - encoded[i].start for step in order for i in step),
            loss=(sum(losses[:tenth]) / tenth, sum(losses[-tenth:]) / tenth),
        )

    def _fit(
        self, packed: list[Any], out: Path, context: Context, model: Any, random_seed: int
    ) -> list[float]:
        """Trains; after out-of-memory again from the start with half the rows in a forward."""
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(context.settings.training.threads or threads)
        most = max(map(len, packed))
        try:
            while True:
                rows = context.decisions.get(ROWS_PER_FORWARD, most)
                parts = math.ceil(most / rows)
                micro = [part for step in packed for part in split(step, parts)]
                try:
                    return fit(model, micro, parts, out, context, random_seed)
                except (torch.OutOfMemoryError, RuntimeError) as error:
                    if rows == 1 or not _out_of_memory(error):
                        raise
                    context.decisions[ROWS_PER_FORWARD] = rows // 2
                    if torch.cuda.is_available():
                        torch.cuda.empty_cache()
        finally:
            torch.set_num_threads(threads)


def encode(
    rows: Sequence[Seed | Example], model: TransformersModel, max_tokens: int
) -> list[Encoded]:
    """Returns each row as the specialist will see it: prompt, response, end of text.

    Prompt and response are tokenized together; the response starts where the whole departs from
    the prompt's own tokens.
    """
    prompts = [model.render(ALPACA.prompt(row.instruction, row.input)) for row in rows]
    alone = model.encode(prompts)
    texts = [p + ALPACA.response(row.output) for p, row in zip(prompts, rows, strict=True)]
    end = model.tokenizer.eos_token_id
    return [
        shorten([*ids, end], max(1, common_prefix([prompt, ids])), max_tokens)
        for prompt, ids in zip(alone, model.encode(texts), strict=True)
    ]


def fit(
    model: TransformersModel,
    micro: list[list[list[Encoded]]],
    parts: int,
    out: Path,
    context: Context,
    random_seed: int,
) -> list[float]:
    """Runs TRL over the given micro-batches, `parts` to a step; returns the loss of each step."""
    from datasets import Dataset
    from transformers import PrinterCallback

    hf = model.release_adapters()
    flat = str(hf.config._attn_implementation).startswith("flash")
    dummy = [[Encoded([0, 0], 2)]]  # a part without rows still takes its turn in accumulation
    steps = len(micro) // parts
    losses: list[float] = []
    before = set(vars(hf))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            trainer = _trainer_class()(
                model=hf,
                args=_arguments(context.settings.training, hf, scratch, steps, parts, random_seed),
                train_dataset=Dataset.from_dict({"part": list(range(len(micro)))}),
                data_collator=lambda turn: collate(micro[turn[0]["part"]] or dummy, flat=flat),
                processing_class=model.tokenizer,
                peft_config=_lora(context.settings.training, hf),
                callbacks=[_callback(losses, context)],
            )
            trainer.remove_callback(PrinterCallback)
            for parameter in trainer.model.parameters():
                if parameter.requires_grad:  # TRL makes them bf16 on a 4-bit base
                    parameter.data = parameter.data.float()
            with context.progress.stage("train", steps, "steps"):
                trainer.train()
            _save(trainer.model, out, model.given_name)
    finally:
        _restore(hf, before)
    return losses


def _trainer_class() -> Any:
    """Returns TRL's trainer with a loss that computes logits at response tokens only.

    TRL's own does so on a GPU; elsewhere it computes those of the prompt too and drops them.
    """
    import torch
    from trl import SFTTrainer

    class ResponseTrainer(SFTTrainer):
        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):  # type: ignore[no-untyped-def]
            labels = torch.nn.functional.pad(inputs.pop("labels")[:, 1:], (0, 1), value=IGNORED)
            kept = labels != IGNORED
            head = self.accelerator.unwrap_model(model).get_output_embeddings()
            hook = head.register_forward_pre_hook(lambda _, given: (given[0][kept],))
            try:
                logits = model(**inputs, use_cache=False).logits
            finally:
                hook.remove()
            loss = torch.nn.functional.cross_entropy(
                logits.float(), labels[kept].to(logits.device), reduction="sum"
            )
            return loss / (kept.sum() if num_items_in_batch is None else num_items_in_batch)

    return ResponseTrainer


def _arguments(
    settings: TrainingSettings, hf: Any, scratch: str, steps: int, parts: int, random_seed: int
) -> Any:
    from trl import SFTConfig

    cpu = hf.device.type == "cpu"
    return SFTConfig(
        output_dir=scratch,
        use_cpu=cpu,
        bf16=not cpu and "bfloat16" in str(hf.dtype),
        max_steps=steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=parts,
        train_sampling_strategy="sequential",
        learning_rate=settings.lr,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup * steps),
        weight_decay=0.0,
        optim="adamw_torch",
        seed=random_seed,
        activation_checkpointing=settings.gradient_checkpointing,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        save_strategy="no",
        logging_steps=1,
        disable_tqdm=True,
        report_to=[],
        log_level="error",
        dataloader_pin_memory=False,
    )


def _lora(settings: TrainingSettings, hf: Any) -> Any:
    from peft import LoraConfig
    from transformers.pytorch_utils import Conv1D

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in hf.modules()),
    )


def _callback(losses: list[float], context: Context) -> Any:
    from transformers import TrainerCallback

    class Watch(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):  # type: ignore[no-untyped-def]
            if logs and "loss" in logs:
                losses.append(logs["loss"])

        def on_step_end(self, args, state, control, **kwargs):  # type: ignore[no-untyped-def]
            context.progress.advance()

    return Watch()


def _capacity(
    model: TransformersModel, examples: Sequence[Encoded], settings: TrainingSettings
) -> int:
    """Rows need not be longer than the longest example: attention is quadratic in them."""
    if model.hf.device.type == "cpu":
        return max(len(example.ids) for example in examples)
    return settings.max_tokens


def _save(peft_model: Any, out: Path, base: str) -> None:
    """Writes the adapter; its configuration names the base as the user did, in a fixed order."""
    peft_model.peft_config["default"].base_model_name_or_path = base
    peft_model.save_pretrained(out, save_embedding_layers=False)
    file = out / "adapter_config.json"
    written = json.loads(file.read_text(encoding="utf-8"))
    written["target_modules"] = sorted(written["target_modules"])
    file.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _restore(hf: Any, before: set[str]) -> None:
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


def _out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


__all__ = ["IGNORED", "LoraTrainer", "encode", "fit"]


@hookimpl
def selfspec_trainers() -> list[type[Trainer]]:
    """Offers the trainer."""
    return [LoraTrainer]
