"""A real Ray cluster of two nodes on this machine: the same bytes, also when one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

JOURNALS = ("instructions", "examples", "rejected", "predictions")
SHORT = [
    *("run", "--domain", "general", "--set", "propose.batch=4", "--set", "answer.batch=4"),
    *("--set", "evaluation.dev_per_task=2", "--set", "evaluation.controls=[]"),
    *("--set", "evaluation.resamples=100", "--set", "training.epochs=1"),
]
SIZES = {"slow": 120, "nano": 16}
SLOW = """
import os, pathlib, time
from selfspec_core import hookimpl
from selfspec_plugins.scripted import Scripted

class Slow(Scripted):
    name = "slow"

    def _continue(self, prompt, rng):
        pathlib.Path(__file__).with_name(f"{os.getpid()}.at-work").touch()
        time.sleep(0.05)
        return super()._continue(prompt, rng)

@hookimpl
def selfspec_models():
    return [Slow]
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A plugin that this process, those it starts and the nodes find: a slow scripted model."""
    info = tmp_path / "site/slow-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[selfspec.plugins]\nslow = slow_scripted\n")
    (tmp_path / "site/slow_scripted.py").write_text(SLOW)
    path = os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])
    monkeypatch.setenv("PYTHONPATH", path)


@pytest.fixture
def cluster(monkeypatch, installed):
    """Two nodes of one CPU each; the second is `cluster.second`."""
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "5")
    from ray.cluster_utils import Cluster

    made = Cluster(True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.second = made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def begun(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "selfspec_core", *words],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    """Returns what a process said on stderr."""
    _, said = process.communicate(timeout=3000)
    assert process.returncode == code, said
    return said


def journals(folder: Path, name: str) -> dict[str, bytes]:
    rounds = folder / "runs" / name / "round-1"
    return {journal: (rounds / f"{journal}.jsonl").read_bytes() for journal in JOURNALS}


def wait_until_at_work(folder: Path, name: str, model: str, process: subprocess.Popen[str]) -> None:
    """Returns when something is committed, and each of two actors of `slow` has been asked."""
    commits, slow = folder / "runs" / name / "round-1/commits.jsonl", folder / "site"
    for mark in slow.glob("*.at-work"):
        mark.unlink()
    while not commits.exists() or commits.read_bytes().count(b"\n") < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    while model == "slow" and len(list(slow.glob("*.at-work"))) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("model", SIZES)
def test_the_same_bytes_from_a_cluster_and_from_one_that_loses_a_node(model, cluster, tmp_path):
    short = [*SHORT, "--model", model, "--set", f"data.size={SIZES[model]}"]
    there = ["--executor", "ray", "--address", cluster.address]
    ended(begun(tmp_path, *short, "--name", "here"))
    here = journals(tmp_path, "here")
    assert here["examples"].count(b"\n") == SIZES[model]

    said = ended(begun(tmp_path, *short, "--name", "there", *there))
    assert "is gone" not in said
    assert journals(tmp_path, "there") == here

    process = begun(tmp_path, *short, "--name", "bereft", *there)
    wait_until_at_work(tmp_path, "bereft", model, process)
    cluster.remove_node(cluster.second, allow_graceful=False)
    said = ended(process)
    assert model == "nano" or ("is gone" in said and "another is asked for" in said)
    assert journals(tmp_path, "bereft") == here


def test_a_cluster_that_dies_is_one_line_and_the_run_goes_on_without_it(cluster, tmp_path):
    short = [*SHORT, "--model", "slow", "--set", f"data.size={SIZES['slow']}"]
    ended(begun(tmp_path, *short, "--name", "here"))
    address = cluster.address
    there = ["--executor", "ray", "--address", address]
    process = begun(tmp_path, *short, "--name", "there", *there)
    wait_until_at_work(tmp_path, "there", "slow", process)
    cluster.shutdown()
    said = ended(process, 1).splitlines()[-1]
    assert said.startswith("Error: on Ray: ") and "`selfspec resume`" in said
    said = ended(begun(tmp_path, "resume", "there"), 2).splitlines()[-1]
    assert said.startswith(f"Error: --executor ray: --address {address}: ")
    ended(begun(tmp_path, "resume", "there", "--executor", "local"))
    assert journals(tmp_path, "there") == journals(tmp_path, "here")


def test_what_has_no_room_is_said_when_patience_ends(cluster, tmp_path):
    words = ["--executor", "ray", "--address", cluster.address, "--set", "executor.cpus=64"]
    waits = [*SHORT, "--model", "slow", *words, "--set", "executor.patience=2", "--name", "no"]
    said = ended(begun(tmp_path, *waits), 1).splitlines()[-1]
    assert said.startswith("Error: on Ray: no actor for 2 s: each needs 64 CPU and 0 GPU free")
