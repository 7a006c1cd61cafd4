import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDERS = [ROOT, ROOT / "plugins", ROOT / "seeds", ROOT / "domains/finance"]


@pytest.fixture
def selfspec(tmp_path):
    """Calls the command line in a process of its own, in an empty folder."""

    def call(*arguments, python=(), **environment):
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, FOLDERS)), **environment}
        command = [sys.executable, *(python or ("-m", "selfspec_core")), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
        )

    return call


def system(macro, **more):
    tasks = {"tone": macro + 0.01, "terms": macro - 0.01}
    return {
        "macro": macro,
        "low": macro - 0.03,
        "high": macro + 0.03,
        "n": 240,
        "parsable": 0.9,
        "tasks": tasks,
        "sd": None,
        **more,
    }


def scores():
    macros = {
        "specialized@0": 0.512,
        "base@0": 0.111,
        "base-best@0": 0.25,
        "base@5": 0.4,
        "seeds-only@0": 0.39,
        "seeds-only-long@0": 0.52,
    }
    systems = {name: system(macro) for name, macro in macros.items()}
    systems["base@5"]["sd"] = 0.021
    gains = {
        "specialized@0 - base@0": {"mean": 0.401, "low": 0.362, "high": 0.44},
        "specialized@0 - base@5": {"mean": 0.112, "low": -0.01, "high": 0.2},
        "specialized@0 - seeds-only-long@0": {"mean": -0.08, "low": -0.1, "high": -0.02},
    }
    own = {"systems": systems, "gains": gains}
    likely = {"systems": {"specialized@0": system(0.6), "base@0": system(0.55)}, "gains": {}}
    return {
        "round": 1,
        "proposed": 800,
        "accepted": 512,
        "unused": 88,
        "rejected": {"novelty": 120, "well_formed": 80},
        "reasons": {
            "novelty: near-copy": 120,
            "well_formed: no input": 50,
            "well_formed: no instruction": 30,
        },
        "tasks": {"tone": 300, "terms": 212},
        "layouts": {"best": "plain", "dev": {"plain": 0.2}},
        "training": {"specialized": {"rows": 600, "steps": 57, "tokens": 9000, "loss": [2.0, 0.5]}},
        "sets": {"finance": {**own, "likelihood": likely}, "extra": own},
        "dev": {"base@0": 0.1},
    }


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    """A finished run `demo` under runs/ of the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs/demo"
    (folder / "round-1").mkdir(parents=True)
    manifest = {
        "created": "2026-01-01T00:00:00+00:00",
        "domain": "finance",
        "model": "nano",
        "request": {"domain": "finance"},
        "conditions": {},
        "seconds": 171.2,
        "timings": {"load": 1.5, "propose": 80.25},
        "chosen_round": 1,
        "state": "finished",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "round-1/scores.json").write_text(json.dumps(scores()))
    return folder


WORDS = "harbour orchard lantern granite meadow willow copper violin saddle thimble".split()
MORE = "ferry cellar marble ribbon kettle anchor barrel candle feather hammer".split()
TASKS = {"tone": ("good", "bad"), "size": ("large", "small")}


def _row(task, number, text):
    choices = TASKS[task]
    return {
        "id": f"{task}-{number}",
        "task": task,
        "kind": "classification",
        "instruction": f"Which {task} is it?",
        "input": text,
        "output": choices[number % 2],
        "choices": list(choices),
    }


def fill(folder):
    """Writes seeds and items of two tasks: `--seeds seeds.jsonl --benchmark bench.jsonl`."""
    seeds = [
        _row(task, n, f"The {WORDS[n]} near the {WORDS[-n]} is number {n} of {task}.")
        for task in TASKS
        for n in range(1, 9)
    ]
    asked = [
        _row(task, n + 20, f"{MORE[n % 10]} and {WORDS[n % 7]}, once {n} years apart, for {task}")
        for task in TASKS
        for n in range(14)
    ]
    items = [{**one, "output": [one["output"]], "metric": "accuracy"} for one in asked]
    for name, rows in (("seeds.jsonl", seeds), ("bench.jsonl", items)):
        (folder / name).write_text("".join(json.dumps(one) + "\n" for one in rows))
    return folder


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with seeds and items of two tasks."""
    monkeypatch.chdir(tmp_path)
    return fill(tmp_path)


@pytest.fixture(scope="module")
def lasting_place(tmp_path_factory):
    """The same for all tests of a module; none of them changes it."""
    return fill(tmp_path_factory.mktemp("place"))


@pytest.fixture
def scripted_run(place):
    """A finished run `demo` of the scripted model, made by hand: it remembers three answers."""
    folder = place / "runs/demo"
    (folder / "round-1/adapter").mkdir(parents=True)
    memory = [
        {"instruction": "Name the tone", "input": "harbour", "output": "calm"},
        {"instruction": "Say it in red", "input": "", "output": "[red]\x1b[31mno[/red]"},
    ]
    (folder / "round-1/adapter/memory.json").write_text(json.dumps(memory))
    made = {"system": "specialized", "rows": 2, "steps": 1, "tokens": 3, "loss": None}
    commit = {"stage": "specialize", "batch": 0, "trained": made, "sizes": {}}
    (folder / "round-1/commits.jsonl").write_text(json.dumps(commit) + "\n")
    manifest = {
        "created": "2026-01-01T00:00:00+00:00",
        "domain": "adhoc",
        "model": "scripted",
        "seconds": 1.0,
        "chosen_round": 1,
        "state": "finished",
        "conditions": {},
        "request": {"seeds": str(place / "seeds.jsonl"), "model": "scripted"},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
