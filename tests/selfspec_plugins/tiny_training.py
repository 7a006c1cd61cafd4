"""Rows and settings of a training of seconds."""

from __future__ import annotations

from selfspec_core.components import Context, Domain
from selfspec_core.config import Settings
from selfspec_core.types import Seed

WEIGHTS = "adapter_model.safetensors"
PROMPT = "Task: Is the sentence about money?\nText: Rates"


class Nowhere(Domain):
    name, summary, title = "nowhere", "", "Nowhere"


def rows(count=20):
    words = "court price rates contract sentence".split()
    return [
        Seed(
            id=str(i),
            task="t",
            kind="open_qa",
            instruction="Name the " + " ".join(words[: 1 + i % 5]),
            input="x " * (i % 7),
            output=words[i % 5],
        )
        for i in range(count)
    ]


def context(model, **training):
    training = {"batch": 8, "lr": 1e-2, "epochs": 2} | training
    return Context(Nowhere(), model, Settings.model_validate({"training": training}), seeds=())
