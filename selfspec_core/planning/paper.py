"""What the pieces of a run would cost on hardware that is not there: on paper, never measured.

Published peak rates times a share of them that is commonly reached. Good for the order of
magnitude: whether a run takes an hour or a week, and whether a model fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from selfspec_core.components import Context
from selfspec_core.errors import UsageError, nearest
from selfspec_core.planning.work import Costs, Way


@dataclass(frozen=True, slots=True)
class Hardware:
    """Published figures of one GPU.

    Attributes:
        flops: dense bf16 operations a second.
        bandwidth: bytes a second from its memory.
        memory: bytes.
    """

    flops: float
    bandwidth: float
    memory: float


HARDWARE = {
    "L4": Hardware(121e12, 0.300e12, 24e9),
    "RTX-4090": Hardware(165e12, 1.008e12, 24e9),
    "A100-80GB": Hardware(312e12, 2.039e12, 80e9),
    "H100": Hardware(989e12, 3.35e12, 80e9),
    "H200": Hardware(989e12, 4.8e12, 141e9),
}
"""From NVIDIA's data sheets: dense bf16 with fp32 accumulation, SXM where there are several."""

PREFILL, DECODE, TRAIN = 0.4, 0.5, 0.3
"""Shares of the peak: of operations in encoding, of bandwidth in decoding, of operations tuning."""

TOGETHER = 0.9
"""Share of their speed that is left to GPUs that tune one adapter together."""

LAUNCH = 0.03
"""Seconds that a decoding step takes at least: Python and kernel launches of some 32 layers."""

CHARS = 4.0
"""Characters of English in a token."""

ENDS = 0.6
"""Share of the allowed new tokens that a text takes before it ends."""

_TASK = 30
"""Items of a task that share their demonstrations."""


def hardware(name: str) -> Hardware:
    """Returns the figures of a GPU.

    Raises:
        UsageError: naming the nearest one.
    """
    found = HARDWARE.get(name.upper())
    if found is None:
        listed = ", ".join(HARDWARE)
        raise UsageError(f"--hardware {name}: expected {listed}{nearest(name, HARDWARE)}")
    return found


def costs(gpu: Hardware, parameters: float, context: Context, ways: Sequence[Way]) -> Costs:
    """Returns the costs on paper for a model of so many parameters, on as many GPUs as there are
    processes (`model.processes`, `training.processes`).

    Args:
        ways: of asking.
    """
    settings = context.settings
    four_bit = settings.model.quantization != "none"
    weights = parameters * (0.56 if four_bit else 2.0)  # nf4 with its scales
    entry, answer = _tokens(context)

    def written(rows: int, shared: float, own: float, new: float) -> float:
        """Seconds for a batch: its shared beginning once, each row's own, then step by step."""
        encoded = 2 * parameters * (shared + rows * own) / (gpu.flops * PREFILL)
        reading = weights / (gpu.bandwidth * DECODE)
        computing = 2 * parameters * rows / (gpu.flops * PREFILL)
        return encoded + new * max(reading + computing, LAUNCH)

    propose, answering, asking = settings.propose, settings.answer, settings.evaluation

    def asked(way: Way) -> float:
        """Seconds for an item, with all processes at work."""
        own, new = entry + way.passages * 2 * entry, min(answer, asking.max_new_tokens * ENDS)
        seconds = written(_TASK, way.shots * (entry + answer), own, new)
        if asking.likelihood and not way.elsewhere:
            seconds *= 1.5  # choices are weighed beside the answer
        return seconds / _TASK / settings.model.processes

    row = entry + answer
    tuning = settings.training.processes
    gpus = tuning * TOGETHER if tuning > 1 else 1.0
    return Costs(
        begin=30 + parameters * 2 / 1e9,  # a gigabyte a second from disk
        proposal=written(
            propose.batch, propose.demonstrations * row, 20, propose.max_new_tokens * ENDS
        )
        / propose.batch,
        answer=answering.votes
        * written(
            answering.batch,
            answering.demonstrations * row,
            entry,
            answering.max_new_tokens * ENDS,
        )
        / answering.batch,
        tuning=20.0,
        # frozen weights get no gradient: two thirds of a full step's six operations a parameter
        step=4 * parameters * settings.training.batch * row / (gpu.flops * TRAIN * gpus),
        item={way: asked(way) for way in ways},
        end=10.0,
        memory=round(4e9 + parameters * 2),
        device_memory=round(weights + 0.1 * parameters + 6e9),  # cache, activations, logits
        adapter=round(4 * 20e6 * settings.training.r / 8 * (parameters / 7e9) ** (2 / 3)),
        row=CHARS * row + 300,
        prediction=CHARS * answer + 150,
        lanes=settings.model.processes,
        together=tuning > 1,
    )


def _tokens(context: Context) -> tuple[float, float]:
    """Returns the mean tokens of a seed's instruction and input, and of its output."""
    count = len(context.seeds) * CHARS
    asked = sum(len(seed.instruction) + len(seed.input) + 40 for seed in context.seeds)
    return asked / count, sum(len(seed.output) + 4 for seed in context.seeds) / count
