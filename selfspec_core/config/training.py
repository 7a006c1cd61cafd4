"""How a specialist is tuned: on rows, and on pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from selfspec_core.config.tables import Several, Table


class TrainingSettings(Table):
    """Tuning the adapter."""

    trainer: str | None = Field(None, description="component that trains; default: the model's")
    model: str | None = Field(
        None, description="local model to tune when the one that generates cannot be tuned"
    )
    layout: str = Field("alpaca", description="layout the specialist is tuned and asked in")
    r: int = Field(8, ge=1, description="rank of the adapter")
    alpha: int = Field(16, ge=1, description="scale of the adapter is alpha / r")
    dropout: float = Field(0.0, ge=0, lt=1)
    lr: float = Field(3e-4, gt=0, description="peak learning rate")
    epochs: float = Field(3.0, gt=0, le=10_000)
    batch: int = Field(32, ge=1, description="examples per optimizer step, packed or not")
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps")
    max_tokens: int = Field(512, ge=16, description="length of a packed row")
    threads: int | None = Field(None, ge=1, description="CPU threads while training")
    processes: int = Field(
        1,
        ge=1,
        description="processes that tune one adapter together, a GPU each if there are",
    )
    accelerate: Path | None = Field(
        None, description="accelerate's config file for these processes: FSDP in place of DDP"
    )
    gradient_checkpointing: bool = Field(False, description="less memory, slower")
    report_to: Annotated[tuple[Literal["tensorboard", "wandb"], ...], Several] = Field(
        (), description="trackers told the loss of each step; they write to logs/ of the run"
    )


class PreferenceSettings(Table):
    """A second tuning after the first, on pairs of answers that the model made itself (DPO)."""

    enabled: bool = Field(False, description="tune on preference pairs too")
    trainer: str | None = Field(
        None, description="component that tunes on pairs; default: the one that trains"
    )
    pairs: str = Field(
        "majority",
        description="majority: the answer most samples agree on over the rarest; or a filter of "
        "examples, as in grounded: an answer it keeps over one it rejects",
    )
    sampler: Literal["answerer", "specialist"] = Field(
        "answerer", description="who is sampled: who answered in this round, or what it became"
    )
    samples: int = Field(8, ge=2, description="answers to one example, at answer.vote_temperature")
    min_share: float = Field(
        0.5, ge=0, le=1, description="majority: share of the samples that agree on the chosen one"
    )
    size: int | None = Field(None, ge=1, description="examples to sample for; none: all")
    beta: float = Field(0.1, gt=0, description="how closely it stays with the specialist")
    lr: float = Field(5e-5, gt=0, description="peak learning rate")
    epochs: float = Field(1.0, gt=0, le=10_000)
    batch: int = Field(16, ge=1, description="pairs per optimizer step")
