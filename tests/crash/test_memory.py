"""Memory runs out, or the system takes the process away for it, while a trainer is at work."""

from __future__ import annotations

import os
import signal

import pytest
from crash_tools import RUN

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


def in_trainer(number: int, act, method: str = "train"):
    """Returns what makes the call of a trainer with this number end by `act`, half done."""

    def first() -> None:
        from selfspec_plugins.scripted import Remember

        really, calls = getattr(Remember, method), []

        def call(self, *given, **also):
            calls.append(1)
            made = really(self, *given, **also)
            if len(calls) == number:
                act()
            return made

        setattr(Remember, method, call)

    return first


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def out_of_memory() -> None:
    raise MemoryError


def as_torch_says() -> None:
    raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")


@pytest.mark.parametrize("method", ["train", "prefer"])
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("act", [killed, out_of_memory, as_torch_says])
def test_a_trainer_without_memory(act, number, method, whole, place):
    ended = place.call(*RUN, place.name, first=in_trainer(number, act, method))
    if ended.code == 0:
        assert method == "prefer"  # pairs do not come together in every round
        place.check(whole, "not called so often")
        return
    if act is killed:
        assert ended.code == -signal.SIGKILL
    else:
        assert ended.code == 1 and ended.last.startswith("Error: out of memory; "), ended.said
    place.again_whole(whole, (act, number))
