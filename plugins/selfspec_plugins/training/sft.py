"""One run of TRL on the resident model, which is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from selfspec_core.config import TrainingSettings
from selfspec_core.files import naming
from selfspec_plugins.distributed import rank, sharded, world_size
from selfspec_plugins.local.loading import using_threads
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.training.checkpoints import Checkpoints, digest, held_back, keeper
from selfspec_plugins.training.fused_lora import fused_lora
from selfspec_plugins.training.packing import IGNORED, Encoded, collate
from selfspec_plugins.training.segments import bounds_of, segment_attention, segments_are_exact
from selfspec_plugins.training.trackers import tracked
from selfspec_plugins.training.tuned import in_fp32, restore, save, watch


def fit(
    model: TransformersModel,
    micro: list[list[list[Encoded]]],
    parts: int,
    out: Path,
    settings: TrainingSettings,
    random_seed: int,
    advance: Callable[[int], None],
) -> list[float]:
    """Runs TRL over the given micro-batches, `parts` to a step; returns the loss of each step.

    Of several ranks that do so together each takes its share of a step's parts; the first writes.
    A training that was stopped goes on where `checkpoints` kept it.

    Args:
        parts: a multiple of the number of ranks.
        out: folder for the adapter.
        advance: told of every step.
    """
    hf = model.release_adapters()
    longest = max(len(example.ids) for part in micro for row in part for example in row)
    alone = not sharded() and segments_are_exact(hf, longest)
    flat = alone or str(hf.config._attn_implementation).startswith("flash")
    steps = len(micro) // parts
    losses: list[float] = []
    writes = rank() == 0
    checkpoints = Checkpoints(out, digest(micro, parts, settings, random_seed))
    newest = checkpoints.newest()
    before = set(vars(hf))
    try:
        with (
            held_back() as asked,
            using_threads(settings.threads),
            tracked(settings.report_to if writes else (), out, afresh=newest is None),
        ):
            folder, own = str(checkpoints.folder), parts // world_size()
            arguments = _arguments(settings, hf, folder, steps, own, random_seed)
            callbacks = [watch(losses, advance), keeper(checkpoints, asked)]
            trainer = _trainer(model, hf, micro, settings, arguments, callbacks, flat=flat)
            with (
                nullcontext() if sharded() else fused_lora(trainer.model),
                segment_attention(hf) if alone else nullcontext() as trainer.bounds,
            ):
                trainer.train(resume_from_checkpoint=newest and str(newest))
            tuned, state = _put_together(trainer)
            if writes and not asked.number:
                save(tuned, out, model.given_name, state)
                checkpoints.clear()
    finally:
        if not sharded():  # parts of it are of no use to anybody
            restore(hf, before)
    return losses


def _trainer(
    model: TransformersModel,
    hf: Any,
    micro: list[list[list[Encoded]]],
    settings: TrainingSettings,
    arguments: Any,
    callbacks: list[Any],
    *,
    flat: bool,
) -> Any:
    """Returns a trainer that takes the micro-batches one by one, with a new adapter on the model.

    Args:
        flat: see `collate`.
    """
    from datasets import Dataset
    from transformers import PrinterCallback

    dummy = [[Encoded([0, 0], 2)]]  # a part without rows still takes its turn in accumulation

    def collated(turn: list[dict[str, int]]) -> Any:
        (only,) = turn
        return collate(micro[only["part"]] or dummy, flat=flat)

    arguments._n_gpu = 1  # one process, one model: never DataParallel over what it sees
    trainer = _trainer_class()(
        model=hf,
        args=arguments,
        train_dataset=Dataset.from_dict({"part": list(range(len(micro)))}),
        data_collator=collated,
        processing_class=model.tokenizer,
        peft_config=_lora(settings, hf),
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    if not sharded():  # FSDP wants them as the base computes
        in_fp32(trainer.model)
    return trainer


def _put_together(trainer: Any) -> tuple[Any, Any]:
    """Returns the tuned model, and its tensors where each rank has only parts of them."""
    if not sharded():
        return trainer.model, None
    state = trainer.accelerator.get_state_dict(trainer.model)  # every rank takes part
    return trainer.accelerator.unwrap_model(trainer.model), state


def _trainer_class() -> Any:
    """Returns TRL's trainer with a loss that computes logits at response tokens only.

    TRL's own does so on a GPU; elsewhere it computes those of the prompt too and drops them.
    """
    from trl import SFTTrainer

    class ResponseTrainer(SFTTrainer):
        bounds: list[int] | None = (
            None  # of the examples in a row, where these attend by themselves
        )

        def _save_checkpoint(self, model: Any, trial: Any) -> None:
            with naming(Path(self.args.output_dir or "")):
                super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]

        def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
            """Writes what a checkpoint needs of the model, which is the adapter."""
            assert output_dir is not None  # a checkpoint always names its folder
            save(self.model, Path(output_dir), "", state_dict)

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            head = self.accelerator.unwrap_model(model).get_output_embeddings()
            loss = response_loss(model, head, inputs, self.bounds, num_items_in_batch)
            if num_items_in_batch is not None and world_size() > 1:
                loss = loss * world_size()  # the number is that of all, the gradient their mean
            return loss

    return ResponseTrainer


def response_loss(
    model: Any, head: Any, inputs: dict[str, Any], bounds: list[int] | None, tokens: Any
) -> Any:
    """Returns the cross-entropy of response tokens; logits are computed at these alone.

    Args:
        head: the model's output embeddings.
        inputs: of `collate`.
        bounds: of `segment_attention`, to be filled; None without it.
        tokens: what the sum is divided by; None for the response tokens there are.
    """
    import torch

    labels = torch.nn.functional.pad(inputs.pop("labels")[:, 1:], (0, 1), value=IGNORED)
    kept = labels != IGNORED
    if bounds is not None:
        bounds[:] = bounds_of(inputs["position_ids"])
    hook = head.register_forward_pre_hook(lambda _, given: (given[0][kept.to(given[0].device)],))
    try:
        logits = model(**inputs, use_cache=False).logits
    finally:
        hook.remove()
    loss = torch.nn.functional.cross_entropy(
        logits.float(), labels[kept].to(logits.device), reduction="sum"
    )
    return loss / (kept.sum() if tokens is None else tokens)


def _arguments(
    settings: TrainingSettings, hf: Any, scratch: str, steps: int, parts: int, random_seed: int
) -> Any:
    from trl import SFTConfig

    return SFTConfig(
        **shared_arguments(settings, hf, scratch, steps, parts),
        learning_rate=settings.lr,
        seed=random_seed,
        dataset_kwargs={"skip_prepare_dataset": True},
    )


def shared_arguments(
    settings: TrainingSettings, hf: Any, scratch: str, steps: int, parts: int
) -> dict[str, Any]:
    """Returns the arguments that every trainer of TRL's is given here.

    Micro-batches are made beforehand, so TRL is to take them one by one and as they are.
    """
    cpu = hf.device.type == "cpu" and not sharded()  # where parts of it wait for their GPU
    return {
        "output_dir": scratch,
        "use_cpu": cpu,
        "bf16": not cpu and "bfloat16" in str(hf.dtype),
        "max_steps": steps,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": parts,
        "train_sampling_strategy": "sequential",
        "lr_scheduler_type": "linear",
        "warmup_steps": round(settings.warmup * steps),
        "weight_decay": 0.0,
        "optim": "adamw_torch",
        "activation_checkpointing": settings.gradient_checkpointing,
        "remove_unused_columns": False,
        "max_length": None,
        "save_strategy": "no",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # it would show the mean so far in place of NaN
        "disable_tqdm": True,
        "report_to": list(settings.report_to),
        "log_level": "error",
        "log_level_replica": "error",
        "dataloader_pin_memory": False,
    }


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
