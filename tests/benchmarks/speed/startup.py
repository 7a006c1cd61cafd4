"""Start-up of the listing commands beside importing the two libraries they cannot do without."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from statistics import median

import rivals

from speed import Measured

RUNS = 15
COMMANDS = ("--help", "domains", "plugins", "seeds finance")
RIVALS = ("llm", "lm_eval")
"""Command lines of the field, each in the environment of its name: `NAME --help`."""


def measure() -> Measured:
    """Times all in turns, so that a busy moment of the machine falls on each.

    Compiled modules are kept between runs, as an installed package has them, whatever
    `PYTHONDONTWRITEBYTECODE` says here.
    """
    commands = {"import click, rich": [sys.executable, "-c", "import click, rich"]}
    commands |= {name: [sys.executable, "-m", "selfspec_core", *name.split()] for name in COMMANDS}
    for rival in RIVALS:
        commands[f"{rival} --help"] = [str(rivals.python_of(rival).with_name(rival)), "--help"]
    kept = {k: value for k, value in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    # ours are found by this path where they are not installed; a rival must not find them
    bare = {k: value for k, value in kept.items() if k != "PYTHONPATH"}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(RUNS + 1):
        for name, command in commands.items():
            start = time.perf_counter()
            environment = bare if name.startswith(RIVALS) else kept
            subprocess.run(command, check=True, capture_output=True, env=environment)
            if turn:  # the first is a warm-up
                times[name].append(time.perf_counter() - start)
    seconds = {name: median(values) for name, values in times.items()}
    floor = seconds["import click, rich"]
    ratios = {
        f"{name.split()[0].strip('-')}_vs_click_rich": seconds[name] / floor for name in COMMANDS
    }
    return Measured(ratios, {"seconds": seconds})
