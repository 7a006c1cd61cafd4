"""The least time that decoding could take here: operations and bytes against measured rates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

FLOAT = 4
"""Bytes."""


@dataclass(frozen=True)
class Work:
    """What a batch with a shared prefix has to do, whoever does it.

    Attributes:
        layers: parameters of the decoder's linear layers.
        head: parameters of the output layer.
        cache: keys and values of one position in all layers, in numbers.
        width: numbers in the heads of one position in all layers (a score and a mix per position).
        rows: rows of the batch.
        shared: tokens of the common prefix.
        own: tokens of each row after it, on average.
        new: tokens to write.
    """

    layers: int
    head: int
    cache: int
    width: int
    rows: int
    shared: int
    own: float
    new: int

    def prefill(self) -> float:
        """Returns the operations of encoding the prefix once and every row's own part."""
        tokens = self.shared + self.rows * self.own
        looked_at = self.shared**2 / 2 + self.rows * self.own * (self.shared + self.own / 2)
        return 2 * self.layers * tokens + 2 * self.head * self.rows + 4 * self.width * looked_at

    def step(self, at: int) -> tuple[float, float]:
        """Returns operations and bytes of the step that writes a token after `at` others."""
        columns = self.own + at
        operations = 2 * (self.layers + self.head) + 4 * self.width * (self.shared + columns)
        held = self.layers + self.head + self.cache * (self.shared + self.rows * columns)
        return self.rows * operations, FLOAT * held


def work_of(model: Any, rows: int, shared: int, own: float, new: int) -> Work:
    """Returns what a Llama-like transformers model has to do."""
    import torch

    text = model.config.get_text_config()
    linear = {
        name: module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    head = linear.pop("lm_head")
    wide, layers = text.head_dim, text.num_hidden_layers
    return Work(
        layers=sum(linear.values()),
        head=head,
        cache=2 * layers * text.num_key_value_heads * wide,
        width=layers * text.num_attention_heads * wide,
        rows=rows,
        shared=shared,
        own=own,
        new=new,
    )


def floor_seconds(work: Work, encoding: float, decoding: float, memory: float) -> float:
    """Returns the least time, in seconds.

    Args:
        encoding: operations a second of a large matrix product.
        decoding: the same with as many rows as the batch has.
        memory: bytes a second.
    """
    steps = (work.step(at) for at in range(work.new - 1))  # the first token comes of the prefill
    return work.prefill() / encoding + sum(
        max(operations / decoding, held / memory) for operations, held in steps
    )


def gemm_rate(rows: int, wide: int, out: int) -> float:
    """Returns operations a second of (rows, wide) @ (wide, out) in fp32, by MKL or oneDNN."""
    import torch

    from selfspec_plugins.local.packed_linears import Packed

    left, layer = torch.randn(rows, wide), torch.nn.Linear(wide, out, bias=False)
    calls = max(1, int(2e8 / (rows * wide * out)))

    def multiply() -> None:
        for _ in range(calls):
            layer(left)

    plain = _least_seconds(multiply)
    layer.forward = Packed(layer)  # type: ignore[method-assign]
    return 2 * rows * wide * out * calls / min(plain, _least_seconds(multiply))


def memory_rate() -> float:
    """Returns bytes read a second: a matrix of 256 MB times a vector."""
    import torch

    matrix, vector = torch.randn(8192, 8192), torch.randn(8192)
    return FLOAT * matrix.numel() / _least_seconds(lambda: matrix @ vector)


def rates(model: Any, rows: int) -> dict[str, float]:
    """Returns the rates that `floor_seconds` takes: the best of the shapes a model has."""
    text = model.config.get_text_config()
    wide, inner = text.hidden_size, text.intermediate_size
    shapes = [(wide, wide), (wide, inner), (inner, wide), (wide, text.vocab_size)]
    return {
        "encoding": max(gemm_rate(512, *shape) for shape in shapes),
        "decoding": max(gemm_rate(rows, *shape) for shape in shapes),
        "memory": memory_rate(),
    }


def _least_seconds(run: Callable[[], object], turns: int = 7) -> float:
    """Returns the time of a quick turn: the lower median, as others may use the machine."""
    import torch

    times = []
    with torch.inference_mode():
        run()
        for _ in range(turns):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    return median(sorted(times)[: turns // 2 + 1])
