"""`make bench`: selfspec beside its rivals, in one run; only ratios are worth quoting.

    make bench                        # every part
    make bench ARGS="novelty engine"  # some of them; the ratios of the others are kept
    make bench ARGS="engine:135M"     # a part that compares on several models: one of these alone

A part is a module of `speed/` with `measure()`. Rivals run in environments of their own
(`rivals/`), made on first use, in turns with ours. The table goes to the terminal, everything to
results.json; a ratio that got worse by more than a tenth since the stored run is named, and the
exit code is then 1.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # parts import `speed` and `rivals`

PARTS = ("startup", "novelty", "engine", "training", "evaluation", "growth", "whole_run", "plan")
RESULTS = HERE / "results.json"
COSTS = (
    "help_vs_click_rich",
    "domains_vs_click_rich",
    "plugins_vs_click_rich",
    "seeds_vs_click_rich",
)
"""Ratios that say how much longer ours takes; of all others more is better."""
TOLERANCE = 0.1


def worse(stored: dict[str, float], now: dict[str, float]) -> list[str]:
    """Returns a line for each ratio that got worse by more than a tenth."""
    lines = []
    for name in sorted(stored.keys() & now.keys()):
        before, after = stored[name], now[name]
        if name in COSTS:
            fell = after > before * (1 + TOLERANCE)
        else:
            fell = after < before * (1 - TOLERANCE)
        if fell:
            lines.append(f"{name}: {before:.3g} before, {after:.3g} now")
    return lines


def machine() -> dict[str, Any]:
    """Returns what the figures were measured on."""
    model = "unknown"
    if Path("/proc/cpuinfo").is_file():
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=HERE
    ).stdout.strip()
    cores = len(os.sched_getaffinity(0))
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit,
        "processor": model,
        "cores": cores,
        "python": platform.python_version(),
    }


def main(names: list[str]) -> int:
    """Runs the named parts (all without a name), prints the table, writes results.json."""
    if unknown := [name for name in names if name.partition(":")[0] not in PARTS]:
        print(f"no part called {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    ratios, figures, fell = dict(stored.get("ratios", {})), dict(stored.get("figures", {})), []
    for asked in names or PARTS:
        print(f"\n== {asked}", flush=True)
        name, _, model = asked.partition(":")
        measure = import_module(f"speed.{name}").measure
        measured = measure([model]) if model else measure()
        now = {key: float(f"{value:.4g}") for key, value in measured.ratios.items()}
        for key, value in now.items():
            print(f"{key:44s} {value:10.4g}", flush=True)
        fell += worse(stored.get("ratios", {}), now)
        ratios |= now
        kept = figures.get(name, {}) if model else {}
        figures[name] = {**kept, **machine(), **measured.figures}
        text = json.dumps({"ratios": ratios, "figures": figures}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")  # a part that fails loses no other
    for line in fell:
        print(f"WORSE  {line}")
    return 1 if fell else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
