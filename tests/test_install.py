"""A fresh environment, installed as the README says, runs; minutes long, so marked slow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_pip_install_in_a_fresh_environment(tmp_path: Path) -> None:
    def run(*command: str) -> str:
        env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run(sys.executable, "-m", "venv", "venv")
    python = str(tmp_path / "venv/bin/python")
    constraints = ("-c", str(ROOT / "constraints.txt"))
    run(python, "-m", "pip", "install", *constraints, "torch")
    ours = [str(ROOT), str(ROOT / "domains/finance"), str(ROOT / "domains/law")]
    run(python, "-m", "pip", "install", *constraints, *ours)
    selfspec = str(tmp_path / "venv/bin/selfspec")
    assert "finance" in run(selfspec, "domains")
    run(selfspec, "new", "chemistry")
    run(python, "-m", "pip", "install", *constraints, "./selfspec-chemistry")
    for name in ("law", "chemistry"):
        assert " 0 failed" in run(selfspec, "check", name)
    own = "run --domain chemistry --set model.name=scripted --name own".split()
    assert "specialized@0" in run(selfspec, *own)
    flags = "run --domain finance --model scripted --set data.size=40 --name first".split()
    assert "specialized@0" in run(selfspec, *flags)
    small = "run --domain finance --set data.size=16 --set propose.limit=30 --name nano".split()
    few = ["--set", "evaluation.demo_sets=1", "--set", "training.epochs=1"]
    assert "specialized@0" in run(selfspec, *small, *few)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_light_install_runs_the_scripted_model(tmp_path: Path) -> None:
    """Without the training stack: enough to write and check a domain."""

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    run(sys.executable, "-m", "venv", "venv")
    python = str(tmp_path / "venv/bin/python")
    run(python, "-m", "pip", "install", "-c", str(ROOT / "constraints.txt"), str(ROOT))
    run(python, "-m", "pip", "install", "--no-deps", str(ROOT / "domains/finance"))
    flags = "run --domain finance --model scripted --set data.size=40 --name first".split()
    assert "specialized@0" in run(str(tmp_path / "venv/bin/selfspec"), *flags)
