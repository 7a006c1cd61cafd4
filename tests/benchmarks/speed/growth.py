"""How time and memory grow with a run: scripted runs of many proposals, and journals of a million.

The model is `scripted`, so what is timed is selfspec itself. Novelty is left out of the runs: to
compare each proposal with all before it takes longer the more there are, and has a part of its own
(`novelty`). Time is processor time, which a busy machine does not stretch as it does wall time.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from speed import Measured
from speed.peak import launched

SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
LINES = 1_000_000
PART = 10_000
FILTERS = (
    '["personal_data","well_formed","parts","length","well_formed_answer","grounded","balance"]'
)
SETTINGS = (
    "evaluation.collateral=none",
    "evaluation.controls=[]",
    "evaluation.shots=0",
    "evaluation.likelihood=false",
    "propose.surplus=1",
    f"filters.order={FILTERS}",
)


def measure() -> Measured:
    """Times runs of 1k, 10k and 100k proposals, then `show` and `resume` on a million lines."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        _write_inputs(place)
        least = _whole(place, "least", 24)["cpu seconds"]
        runs = {name: _whole(place, name, size) for name, size in SIZES.items()}
        for found in runs.values():
            own = found["cpu seconds"] - least
            found["ms an item"] = 1e3 * own / (found["proposals"] + found["examples"])
        each = {name: found["ms an item"] for name, found in runs.items()}
        ratios = {
            "growth_10k_vs_1k": each["1k"] / each["10k"],
            "growth_100k_vs_10k": each["10k"] / each["100k"],
        }
        million = _million(place)
    figures = {"runs": runs, "cpu seconds of the least run": least, "million lines": million}
    return Measured(ratios, figures)


def _whole(place: Path, name: str, proposals: int) -> dict[str, Any]:
    """Takes a run to its end; about half of the proposals become examples."""
    command = _run_command(name, proposals // 2)
    found = _timed(command, place)
    [one] = _shown(place, name)["rounds"]
    shutil.rmtree(place / "runs" / name)
    return {**found, "proposals": one["proposed"], "examples": one["accepted"]}


def _million(place: Path) -> dict[str, Any]:
    """Times `show`, and `resume` up to its next commit, on a run that was stopped in proposing."""
    run = place / "runs/million"
    _until_commits(_start(_run_command("million", LINES), place), run / "round-1", 40)
    folder = run / "round-1"
    lines = _inflate(folder)
    shown = _timed(_selfspec("show", "million", "--json"), place)
    before = (folder / "commits.jsonl").stat().st_size
    began = time.perf_counter()
    resumed = _start(_selfspec("resume", "million"), place)
    while (folder / "commits.jsonl").stat().st_size <= before and resumed.poll() is None:
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    status = Path(f"/proc/{resumed.pid}/status").read_text(encoding="utf-8")
    usage = _end(resumed)
    return {
        "lines": lines,
        "show": shown,
        "resume to its next commit": {
            "seconds": seconds,
            "cpu seconds": usage.ru_utime + usage.ru_stime,
            "megabytes": int(status.partition("VmHWM:")[2].split()[0]) / 1024,
        },
    }


def _inflate(folder: Path) -> dict[str, int]:
    """Goes on writing the journals of a stopped run as it would, from the lines that are there."""
    commits = [json.loads(line) for line in (folder / "commits.jsonl").open("rb")]
    last = commits[-1]
    rows = {
        name: [json.loads(line) for line in (folder / f"{name}.jsonl").open("rb")]
        for name in ("instructions", "rejected")
    }
    counts = {name: len(own) for name, own in rows.items()}
    sources = {name: cycle(own) for name, own in rows.items()}
    plan, batch, sizes = commits[1], last["batch"], dict(last["sizes"])
    files = {name: (folder / f"{name}.jsonl").open("ab") for name in rows}
    with (folder / "commits.jsonl").open("ab") as journal:
        while sum(counts.values()) < LINES:
            batch += 1
            for place in range(32):
                name = min(counts, key=lambda one: counts[one])  # half of them are rejected
                row = {**next(sources[name]), "id": f"r1-{batch:05d}-{place:03d}", "batch": batch}
                line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
                files[name].write(line)
                counts[name] += 1
                sizes[f"{name}.jsonl"] += len(line)
            commit = {"stage": "propose", "batch": batch, "sizes": sizes}
            journal.write((json.dumps(commit) + "\n").encode())
    for file in files.values():
        file.close()
    if plan["stage"] != "plan" or plan["target"] <= counts["instructions"]:
        raise RuntimeError("the run is not one that goes on proposing")
    return {**counts, "commits": batch}


def _write_inputs(place: Path) -> None:
    """Writes a dozen items that no proposal is like."""
    items = [
        {
            "id": f"i{n}",
            "task": "odd",
            "kind": "open_qa",
            "instruction": "Name it.",
            "input": " ".join(f"{word}{n}" for word in ("zyx", "qwv", "jkp", "vbn", "wer", "fgh")),
            "output": ["none"],
            "metric": "token_f1",
        }
        for n in range(12)
    ]
    text = "".join(json.dumps(item) + "\n" for item in items)
    (place / "items.jsonl").write_text(text, encoding="utf-8")


def _selfspec(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "selfspec_core", *arguments]


def _run_command(name: str, size: int) -> list[str]:
    from importlib.resources import files

    seeds = str(files("selfspec_seeds") / "finance.jsonl")
    flags = [word for one in (f"data.size={size}", *SETTINGS) for word in ("--set", one)]
    asked = ("--seeds", seeds, "--benchmark", "items.jsonl", "--model", "scripted")
    return _selfspec("run", *asked, *flags, "--name", name)


def _start(command: list[str], place: Path) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, cwd=place, stdout=quiet, stderr=quiet)


def _until_commits(process: subprocess.Popen[bytes], folder: Path, count: int) -> None:
    """Stops a run after so many commits."""
    journal = folder / "commits.jsonl"
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= count):
        if process.poll() is not None:
            raise RuntimeError("the run ended too early")
        time.sleep(0.05)
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> resource.struct_rusage:
    """Stops a process as a scheduler does, and returns what it used."""
    process.send_signal(signal.SIGTERM)  # SIGINT is ignored by what a script starts with `&`
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0  # waited for already
    return usage


def _timed(command: list[str], place: Path) -> dict[str, float]:
    """Runs a command to its end; returns seconds, processor seconds and megabytes at most."""
    began = time.perf_counter()
    process = _start(launched(str(place / "megabytes"), command), place)
    _, status, usage = os.wait4(process.pid, 0)  # with what it started and waited for
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"exit code {process.returncode}: {' '.join(command)}")
    return {
        "seconds": time.perf_counter() - began,
        "cpu seconds": usage.ru_utime + usage.ru_stime,
        "megabytes": float((place / "megabytes").read_text()),
    }


def _shown(place: Path, name: str) -> dict[str, Any]:
    done = subprocess.run(
        _selfspec("show", name, "--json"), cwd=place, check=True, capture_output=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
