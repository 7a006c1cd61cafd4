"""Watches what a long run holds: memory and open files, sampled while it works.

    python tests/crash/soak.py proposals      100,000 proposals with the scripted model
    python tests/crash/soak.py nano 30        nano, round after round, for 30 minutes

Prints one JSON object: peak memory, and what was held in each eighth of the time, as memory goes up
and down with every stage. What has to be remembered, the texts that novelty compares with, grows
with the run; open files must not.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTED = (
    *("run", "--domain", "finance", "--model", "scripted"),
    *("--set", "evaluation.collateral=none", "--set", "evaluation.controls=[]"),
    *("--set", "evaluation.shots=0", "--set", "propose.surplus=1", "--set", "propose.batch=64"),
    *("--set", "answer.batch=256", "--set", "evaluation.resamples=100"),
)
NANO = (
    *("run", "--domain", "finance", "--model", "nano", "--set", "rounds.max=100"),
    *("--set", "rounds.margin=-1", "--set", "rounds.collateral=1", "--set", "rounds.drift=1"),
    *("--set", "rounds.instructions=renew", "--set", "rounds.distinct=0"),
    *("--set", "rounds.new_ngrams=0", "--set", "data.size=64"),
)
EVERY = 2.0
"""Seconds between two looks."""


def watch(words: tuple[str, ...], place: Path, most: float) -> dict[str, object]:
    """Runs a command for at most some seconds; returns what it held."""
    command = [sys.executable, "-m", "selfspec_core", *words, "--name", "watched"]
    process = subprocess.Popen(
        command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    began, looks, peak = time.monotonic(), [], 0.0
    while process.poll() is None and time.monotonic() - began < most:
        held = _held(process.pid)
        if held:
            looks.append(held)
            peak = max(peak, held["peak megabytes"])
        time.sleep(EVERY)
    ended = process.poll() is not None
    if not ended:
        process.terminate()
    code = process.wait()
    return {
        "seconds": round(time.monotonic() - began),
        "ended": ended,
        "code": code,
        "peak megabytes": round(peak),
        "eighths": _eighths(looks),
        "journals": _lines(place / "runs/watched"),
    }


def _eighths(looks: list[dict[str, float]]) -> list[dict[str, float]]:
    """Returns least and median memory and most open files of each eighth of the looks."""
    cuts = [len(looks) * part // 8 for part in range(9)]
    parts = [looks[start:end] for start, end in itertools.pairwise(cuts)]
    return [
        {
            "least megabytes": min(one["megabytes"] for one in part),
            "median megabytes": statistics.median(one["megabytes"] for one in part),
            "most open files": max(one["open files"] for one in part),
        }
        for part in parts
        if part
    ]


def _held(process: int) -> dict[str, float] | None:
    try:
        status = Path(f"/proc/{process}/status").read_text()
        files = len(os.listdir(f"/proc/{process}/fd"))
    except OSError:  # it has ended
        return None
    sizes = dict(line.split(":", 1) for line in status.splitlines())
    if "VmRSS" not in sizes:
        return None
    rss, peak = (round(int(sizes[key].split()[0]) / 1024) for key in ("VmRSS", "VmHWM"))
    return {"megabytes": rss, "peak megabytes": peak, "open files": files}


def _lines(run: Path) -> dict[str, int]:
    """Returns how many lines the journals of a run hold, all rounds together."""
    found: dict[str, int] = {}
    for file in sorted(run.glob("round-*/*.jsonl")):
        with file.open("rb") as lines:
            found[file.stem] = found.get(file.stem, 0) + sum(1 for _ in lines)
    return found


def main() -> None:
    what, *more = sys.argv[1:] or ["proposals"]
    with tempfile.TemporaryDirectory() as scratch:
        if what == "nano":
            found = watch(NANO, Path(scratch), 60 * float((more or ["30"])[0]))
        else:
            size = int((more or ["50000"])[0])  # about half of the proposals become examples
            words = (*SCRIPTED, "--set", f"data.size={size}")
            found = watch(words, Path(scratch), float("inf"))
    print(json.dumps({"what": what, **found}, indent=1))


if __name__ == "__main__":
    main()
