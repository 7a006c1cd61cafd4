"""Where a training stands, kept so that one that was stopped goes on, and ends in the same bytes.

It is kept every few minutes, which is all that a SIGKILL costs, and when Ctrl-C, SIGTERM or SIGHUP
come: Slurm says so a while before it takes the machine away. A training that ends within minutes
keeps nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import FrameType
from typing import Any

from selfspec_core.config import TrainingSettings
from selfspec_core.files import sync_all, write_atomically
from selfspec_plugins.distributed import rank, sharded, world_size
from selfspec_plugins.training.packing import Encoded

_KEEPING = b"\nkeeping where the training stands; Ctrl-C again ends it at once\n"
PERIOD = 300.0
"""Seconds from one checkpoint to the next."""


def digest(
    micro: list[list[list[Encoded]]], parts: int, settings: TrainingSettings, random_seed: int
) -> str:
    """Identifies a training by all it depends on: none goes on where another stood."""
    found = sha256(f"{parts} {settings!r} {random_seed}".encode())
    for part in micro:
        for row in part:
            for example in row:
                found.update(array("q", [len(example.ids), example.start, *example.ids]).tobytes())
            found.update(b"row")
        found.update(b"part")
    return found.hexdigest()[:16]


class Checkpoints:
    """The checkpoints of one training: in a hidden folder beside its adapter, the newest alone."""

    def __init__(self, out: Path, training: str) -> None:
        """Names the place.

        Args:
            out: the folder that the adapter is made in, `NAME` or `.NAME.tmp`.
            training: what identifies it; see `digest`.
        """
        path = out.absolute()
        name = path.name.removeprefix(".").removesuffix(".tmp")
        self._all = path.with_name(f".{name}.kept")
        self.folder = self._all / training
        self._newest = self.folder / "newest"

    def newest(self) -> Path | None:
        """Returns the checkpoint to go on from, if one was kept to the end."""
        try:
            return self.folder / self._newest.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def kept(self, name: str) -> None:
        """Is told that a checkpoint is complete: those before it are not needed any more.

        It is on the disk before it is named, for nobody else has synced it and the others go.
        """
        sync_all(self.folder / name)
        write_atomically(self._newest, name)
        for other in self.folder.glob("checkpoint-*"):
            if other.name != name:
                shutil.rmtree(other, ignore_errors=True)

    def clear(self) -> None:
        """Removes all: the training has come to its end."""
        shutil.rmtree(self._all, ignore_errors=True)


@dataclass(slots=True)
class Asked:
    """Whether a signal has asked this process to end.

    Attributes:
        number: of the signal; 0: none has come.
    """

    number: int = 0
    before: dict[int, Any] = field(default_factory=dict)


@contextmanager
def held_back() -> Iterator[Asked]:
    """Holds Ctrl-C, SIGTERM and SIGHUP back until the end of the block: a step can be finished.

    The second one is not held back, nor is one that was ignored before: that is how `nohup` works.
    Afterwards whoever was to be told of the signal is told, be the block done or failed.
    """
    asked = Asked()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [getattr(signal, name) for name in names]
    if threading.current_thread() is not threading.main_thread():
        numbers = []  # Python tells nobody else

    def come(number: int, _: FrameType | None) -> None:
        if asked.number:
            _give_back(asked)
            asked.number = 0  # who is told of this one need not be told of the first
            os.kill(os.getpid(), number)
        asked.number = number
        if number == signal.SIGINT:
            os.write(2, _KEEPING)  # print may be in the middle of another line

    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            asked.before[number] = signal.signal(number, come)
    try:
        yield asked
    finally:
        _give_back(asked)
        if asked.number:
            os.kill(os.getpid(), asked.number)


def _give_back(asked: Asked) -> None:
    while asked.before:
        signal.signal(*asked.before.popitem())


def keeper(checkpoints: Checkpoints, asked: Asked) -> Any:
    """Returns the callback of a training that says when to keep where it stands, and to stop."""
    from transformers import TrainerCallback

    class Keeper(TrainerCallback):
        begun = last = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            done = state.global_step == state.max_steps  # the adapter is not in its place yet
            since = time.monotonic() - (self.begun if done else self.last)
            stop, due = _agreed(bool(asked.number), since >= PERIOD)
            if (stop or due) and not sharded():  # of parts of weights nobody has tried it
                control.should_save = True
                self.last = time.monotonic()
            control.should_training_stop |= stop

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if world_size() > 1:
                import torch

                torch.distributed.barrier()  # each keeps its own random state
            if rank() == 0:
                checkpoints.kept(f"checkpoint-{state.global_step}")

    return Keeper()


def _agreed(*wishes: bool) -> list[bool]:
    """Returns what any of the ranks wishes: all of them have to do the same after the same step."""
    if world_size() == 1:
        return list(wishes)
    import torch
    from accelerate import PartialState

    told = torch.tensor([int(wish) for wish in wishes], device=PartialState().device)
    torch.distributed.all_reduce(told, torch.distributed.ReduceOp.MAX)
    return [bool(one) for one in told.tolist()]
