"""Closed choices weighed by their likelihood instead of written out."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log

from selfspec_core import Layout, Model


def weigh(
    model: Model, prompts: Sequence[str], choices: Sequence[Sequence[str]], layout: Layout
) -> list[list[float]]:
    """Returns the summed log-probability (nats) of each choice after its prompt, [prompt][choice].

    Args:
        choices: those of each prompt.
    """
    pairs = [
        (prompt, layout.response(choice))
        for prompt, own in zip(prompts, choices, strict=True)
        for choice in own
    ]
    logs = iter(model.loglikelihood(pairs))
    return [[next(logs) for _ in own] for own in choices]


def calibrated(weights: Sequence[Sequence[float]]) -> list[list[float]]:
    """Returns log-probabilities without what the model leans to, whatever it is asked.

    Over all prompts together each choice gets the same mean: batch calibration
    (https://arxiv.org/abs/2309.17249). It takes the choices to be about equally often right, as
    they are where labels were asked for in turn.

    Args:
        weights: log-probabilities of the same choices after several prompts, [prompt][choice].
    """
    normal = [[weight - _log_sum(row) for weight in row] for row in weights]
    means = [sum(column) / len(normal) for column in zip(*normal, strict=True)]
    return [[weight - mean for weight, mean in zip(row, means, strict=True)] for row in normal]


def _log_sum(row: Sequence[float]) -> float:
    most = max(row)
    return most + log(sum(exp(weight - most) for weight in row))
