"""Start-up of the listing commands beside importing the two libraries they cannot do without."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from speed import Measured

RUNS = 9
COMMANDS = ("--help", "domains", "plugins", "seeds finance")


def measure() -> Measured:
    """Times all in turns, so that a busy moment of the machine falls on each."""
    commands = {"import click, rich": [sys.executable, "-c", "import click, rich"]}
    commands |= {name: [sys.executable, "-m", "selfspec_core", *name.split()] for name in COMMANDS}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(RUNS + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if turn:  # the first is a warm-up
                times[name].append(time.perf_counter() - start)
    seconds = {name: median(values) for name, values in times.items()}
    floor = seconds["import click, rich"]
    ratios = {
        f"{name.split()[0].strip('-')}_vs_click_rich": seconds[name] / floor for name in COMMANDS
    }
    return Measured(ratios, {"seconds": seconds})
