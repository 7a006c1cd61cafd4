"""A real SIGKILL or SIGTERM while each stage is at work, then `selfspec resume`: same bytes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

from selfspec_core.cli.show import summarize

STAGES = ["propose", "answer", "specialize", "evaluate"]
COMMAND = [sys.executable, "-m", "selfspec_core"]
RUN = [
    *COMMAND,
    *"run --domain finance --model scripted --set data.size=80 --set propose.batch=8".split(),
    *"--set answer.batch=8 --set evaluation.resamples=100".split(),
]


def fingerprint(run: Path) -> dict[str, str]:
    files = sorted(p for p in (run / "round-1").rglob("*") if p.is_file())
    return {str(p.relative_to(run)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("whole")
    subprocess.run([*RUN, "--name", "whole"], cwd=folder, check=True, capture_output=True)
    return fingerprint(folder / "runs/whole")


def begun(stage: str, folder: Path, said: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Returns a run that has committed something of a stage."""
    process = subprocess.Popen([*RUN, "--name", "cut"], cwd=folder, stderr=said)
    commits = folder / "runs/cut/round-1/commits.jsonl"
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        if commits.exists() and f'"stage": "{stage}"' in commits.read_text():
            break
        time.sleep(0.001)
    return process


@pytest.mark.parametrize("stage", STAGES)
def test_sigterm_and_resume(stage: str, whole: dict[str, str], tmp_path: Path) -> None:
    with (tmp_path / "said").open("wb") as said:
        process = begun(stage, tmp_path, said)
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM
    *_, last = (tmp_path / "said").read_text().splitlines()
    assert last == "Error: stopped by SIGTERM; nothing is lost: `selfspec resume cut` goes on"
    resume = [*COMMAND, "resume", "cut"]
    subprocess.run(resume, cwd=tmp_path, check=True, capture_output=True)
    assert fingerprint(tmp_path / "runs/cut") == whole


@pytest.mark.parametrize("stage", STAGES)
def test_sigkill_and_resume(stage: str, whole: dict[str, str], tmp_path: Path) -> None:
    process = begun(stage, tmp_path, subprocess.DEVNULL)
    assert process.poll() is None
    if stage == "propose":  # to look takes time, in which a later stage may end
        assert summarize(tmp_path / "runs/cut")["state"] == "running"
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert "finished" not in (tmp_path / "runs/cut/manifest.json").read_text()
    assert summarize(tmp_path / "runs/cut")["state"] == "interrupted"
    resume = [*COMMAND, "resume", "latest"]
    subprocess.run(resume, cwd=tmp_path, check=True, capture_output=True)
    assert fingerprint(tmp_path / "runs/cut") == whole
    again = subprocess.run(resume, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0 and "is finished" in again.stderr
