"""Ready configuration for other trainers, with the settings that a run used.

Keys are those of LLaMA-Factory 0.9.5 and axolotl 0.19.0. Alpaca and Parquet rows carry prompt and
completion in the run's own layout, and the configuration trains on these; ShareGPT and messages
rows are trained in a chat template, which is another prompt than the run's.
"""

from __future__ import annotations

import json
from importlib import resources
from math import ceil
from pathlib import Path
from typing import Any

from selfspec_core.interchange.formats import Export, file_of

Table = dict[str, Any]
_MICRO_BATCH = 8
"""Most examples in a forward pass; what is missing to a batch is accumulated."""

_COLUMNS: dict[str, Table] = {
    "sharegpt": {"messages": "conversations"},
    "messages": {"messages": "messages"},
}
_TAGS: dict[str, Table] = {
    "messages": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    }
}


def in_layout(name: str) -> bool:
    """Says whether rows of a format carry prompt and completion in the run's layout."""
    return name not in _COLUMNS


def dataset_info(export: Export, name: str) -> Table:
    """Returns LLaMA-Factory's entry for the data set."""
    entry: Table = {"file_name": file_of(name)}
    if in_layout(name):
        entry["columns"] = {"prompt": "prompt", "response": "completion"}
    else:
        entry |= {"formatting": "sharegpt", "columns": _COLUMNS[name]}
        entry |= {"tags": _TAGS[name]} if name in _TAGS else {}
    return {dataset_name(export): entry}


def llamafactory(export: Export, name: str) -> Table:
    """Returns a training of LLaMA-Factory; `fewshot` is its template that adds no words."""
    training, micro = export.settings.training, _micro_batch(export)
    return {
        "model_name_or_path": base_of(export),
        **({"quantization_bit": 4} if _four_bit(export) else {}),
        "stage": "sft",
        "do_train": True,
        "finetuning_type": "lora",
        "lora_rank": training.r,
        "lora_alpha": training.alpha,
        "lora_dropout": training.dropout,
        "lora_target": "all",
        "dataset_dir": ".",
        "dataset": dataset_name(export),
        "template": "fewshot" if in_layout(name) else "default",
        "cutoff_len": training.max_tokens,
        "packing": False,
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": training.batch // micro,
        "learning_rate": training.lr,
        "num_train_epochs": training.epochs,
        "lr_scheduler_type": "linear",
        "warmup_steps": _warmup_steps(export),
        "weight_decay": 0.0,
        "optim": "adamw_torch",
        "seed": export.settings.random_seed,
        "logging_steps": 1,
        "save_strategy": "epoch",
        "report_to": "none",
        "output_dir": "llamafactory-adapter",
    }


def axolotl(export: Export, name: str) -> Table:
    """Returns a training of axolotl."""
    training, micro = export.settings.training, _micro_batch(export)
    four_bit = _four_bit(export)
    data: Table = {"path": file_of(name), "ds_type": "parquet" if name == "parquet" else "json"}
    if in_layout(name):
        data["type"] = {
            "field_instruction": "prompt",
            "field_output": "completion",
            "format": "{instruction}",
            "no_input_format": "{instruction}",
        }
    else:
        data |= {"type": "chat_template", "field_messages": _COLUMNS[name]["messages"]}
        if name == "sharegpt":
            data["message_property_mappings"] = {"role": "from", "content": "value"}
    template = {} if in_layout(name) else {"chat_template": "tokenizer_default_fallback_chatml"}
    return {
        "base_model": base_of(export),
        **({"load_in_4bit": True} if four_bit else {}),
        "adapter": "qlora" if four_bit else "lora",
        "lora_r": training.r,
        "lora_alpha": training.alpha,
        "lora_dropout": training.dropout,
        "lora_target_linear": True,
        "datasets": [data],
        **template,
        "val_set_size": 0,
        "train_on_inputs": False,
        "sequence_len": training.max_tokens,
        "sample_packing": False,
        "micro_batch_size": micro,
        "gradient_accumulation_steps": training.batch // micro,
        "num_epochs": training.epochs,
        "learning_rate": training.lr,
        "lr_scheduler": "linear",
        "warmup_steps": _warmup_steps(export),
        "weight_decay": 0.0,
        "optimizer": "adamw_torch",
        "bf16": "auto",
        "seed": export.settings.random_seed,
        "logging_steps": 1,
        "output_dir": "axolotl-adapter",
    }


def write_configs(export: Export, name: str, folder: Path) -> None:
    """Writes dataset_info.json, llamafactory.yaml and axolotl.yaml beside the rows."""
    info = json.dumps(dataset_info(export, name), indent=2, ensure_ascii=False)
    (folder / "dataset_info.json").write_text(info + "\n", encoding="utf-8")
    for file, table in (
        ("llamafactory.yaml", llamafactory(export, name)),
        ("axolotl.yaml", axolotl(export, name)),
    ):
        (folder / file).write_text(as_yaml(table), encoding="utf-8")


def dataset_name(export: Export) -> str:
    """Returns what LLaMA-Factory calls the data set."""
    return f"selfspec_{export.domain}"


def base_of(export: Export) -> str:
    """Returns the base that the run tuned: a hub id or a folder."""
    settings = export.settings
    name = str(settings.training.model or settings.model.path or settings.model.name)
    return str(resources.files("selfspec_nano") / "weights") if name == "nano" else name


def _four_bit(export: Export) -> bool:
    """Says whether the base is tuned in NF4 on a GPU; these trainers have no use elsewhere."""
    return export.settings.model.quantization != "none"


def _micro_batch(export: Export) -> int:
    """Returns the most examples in a forward pass that divide a batch."""
    batch = export.settings.training.batch
    return max(size for size in range(1, min(batch, _MICRO_BATCH) + 1) if batch % size == 0)


def _warmup_steps(export: Export) -> int:
    training = export.settings.training
    steps = max(1, round(ceil(len(export.rows) / training.batch) * training.epochs))
    return round(training.warmup * steps)


def as_yaml(value: Any, indent: str = "") -> str:
    """Returns nested tables and lists as YAML that YAML 1.1 and 1.2 read alike."""
    if isinstance(value, dict):
        return "".join(f"{indent}{key}:{_below(one, indent)}" for key, one in value.items())
    return "".join(f"{indent}-{_below(one, indent)}" for one in value)


def _below(value: Any, indent: str) -> str:
    """Returns what follows a key's colon or a list's dash, to the end of the line or below it."""
    if isinstance(value, dict | list) and value:
        return "\n" + as_yaml(value, indent + "  ")
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and "e" in text and "." not in text:
        text = text.replace("e", ".0e")  # 3e-05 is a text in YAML 1.1
    return f" {text}\n"
