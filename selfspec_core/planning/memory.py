"""The most memory that this process has had."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

_PEAK = "VmHWM:"


def process_memory() -> int:
    """Returns the most bytes that this process has had in memory.

    Linux hands the peak of a process on to what it starts: `ru_maxrss` outlives exec. So it says
    what a notebook holds that calls selfspec; /proc says what is this process's own.
    """
    with suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        if kilobytes := next((line.split()[1] for line in lines if line.startswith(_PEAK)), None):
            return int(kilobytes) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def device_memory() -> int:
    """Returns the most bytes that torch has had on a CUDA device; 0 without one."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return 0
    return int(torch.cuda.max_memory_allocated())
