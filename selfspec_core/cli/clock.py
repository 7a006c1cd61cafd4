"""Wall time since this process started, interpreter start-up included."""

from __future__ import annotations

import os
import time
from pathlib import Path

_IMPORTED = time.time()


def seconds_since_start() -> float:
    """Returns seconds since the process started; where /proc is missing, since this import."""
    try:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return uptime - started / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return time.time() - _IMPORTED
