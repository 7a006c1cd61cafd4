"""Whole runs on a served model: killed at any moment and resumed, nothing is bought twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loopback import KEY, Loopback, busy, cut, truncated

from selfspec_core import Sampling
from selfspec_plugins.scripted import Scripted
from selfspec_plugins.served.questions import Question

AT_ONCE = 4
RUN = [
    *(sys.executable, "-m", "selfspec_core", "run", "--domain", "general", "--name", "served"),
    *("--set", "model.name=openai", "--set", "training.model=scripted"),
    *("--set", "data.size=8", "--set", "evaluation.demo_sets=1", "--set", "model.timeout=5"),
    *("--set", f"model.concurrency={AT_ONCE}", "--set", "evaluation.resamples=100"),
    *("--set", "evaluation.dev_per_task=1"),
]
RESUME = [sys.executable, "-m", "selfspec_core", "resume", "served"]
JOURNALS = ("instructions.jsonl", "examples.jsonl", "rejected.jsonl", "predictions.jsonl")


@pytest.fixture
def proposing():
    """A server that proposes and answers as the scripted model does."""
    scripted = Scripted()
    scripted.load()

    def say(prompt, body):
        if prompt == "One two three":
            return "four"
        return scripted.generate([prompt], Sampling(random_seed=body.get("seed", 0)))[0]

    with Loopback(say=say) as server:
        yield server


def environment() -> dict[str, str]:
    """A process of its own finds what this one finds."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def finish(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def journals(folder: Path) -> dict[str, bytes]:
    return {name: (folder / "runs/served/round-1" / name).read_bytes() for name in JOURNALS}


def test_a_run_killed_again_and_again_buys_nothing_twice(proposing, tmp_path):
    url = ["--set", f"model.base_url={proposing.url}"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    done = finish([*RUN, *url], whole)
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stderr + done.stdout
    asked = set(proposing.answered)
    assert set(proposing.answered.values()) == {1}

    proposing.answered.clear()
    proposing.slow = 0.01
    command, bought = [*RUN, *url], set()
    for turn in range(1, 6):
        proposing.troubles = [busy, cut, truncated]
        process = subprocess.Popen(command, cwd=killed, env=environment(), stderr=subprocess.PIPE)
        while process.poll() is None and len(proposing.answered) < turn * len(asked) // 5:
            time.sleep(0.005)
        if turn < 5:
            process.send_signal(signal.SIGKILL)
        _, complaint = process.communicate()
        assert process.returncode == (-signal.SIGKILL if turn < 5 else 0), complaint
        while proposing.running:
            time.sleep(0.01)
        asked_now = {Question("completions", body, print).digest for body in proposing.received}
        assert not bought & asked_now
        bought, command = journal(killed), RESUME
        proposing.received.clear()
    assert journals(killed) == journals(whole)
    assert set(proposing.answered) == asked
    twice = sum(count - 1 for count in proposing.answered.values())
    assert twice <= 4 * AT_ONCE  # what a killed process was sent and had not read yet
    assert len(journal(killed)) == len(asked)
    for file in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert KEY.encode() not in file.read_bytes(), file


def journal(folder: Path) -> set[str]:
    """Returns the requests that are in the journal; none is there twice."""
    lines = (folder / "runs/served/requests.jsonl").read_bytes().split(b"\n")[:-1]
    found = [json.loads(line)["request"] for line in lines]
    assert len(set(found)) == len(found)
    return set(found)


def test_it_stops_after_the_filters_where_nothing_can_be_tuned(proposing, tmp_path):
    untuned = [word for word in RUN if word != "training.model=scripted"]
    del untuned[untuned.index("model.name=openai") + 1]
    done = finish([*untuned, "--set", f"model.base_url={proposing.url}"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "openai cannot be tuned: stopping after the filters" in done.stderr
    rows = (tmp_path / "runs/served/round-1/examples.jsonl").read_text().splitlines()
    assert 0 < len(rows) <= 8 and not list(tmp_path.rglob("adapter*"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("model.base_url=http://me:secret@host/v1", "put the key into the environment variable"),
        ("model.api_key=secret", "unknown setting 'model.api_key'"),
        ("model.key_variable=sk-secret", "expected the name of an environment variable"),
    ],
)
def test_a_secret_in_a_setting_is_refused_before_anything_is_written(tmp_path, given, said):
    done = finish([*RUN, "--set", "model.base_url=http://host/v1", "--set", given], tmp_path)
    assert done.returncode == 2 and said in done.stderr
    assert "secret" not in done.stderr + done.stdout and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_killed_server_is_one_line_and_a_resume(proposing, tmp_path):
    url = ["--set", f"model.base_url={proposing.url}", "--set", "model.patience=0.5"]
    good = proposing.say
    proposing.say = lambda prompt, body: (
        (setattr(proposing, "always", cut) if len(proposing.answered) > 20 else None)
        or good(prompt, body)
    )
    done = finish([*RUN, *url], tmp_path)
    assert done.returncode == 1
    assert "Error: " + proposing.url in done.stderr and "the connection was cut" in done.stderr
    proposing.always, proposing.say = None, good
    done = finish(RESUME, tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(proposing.answered.values()) == {1}


def test_the_server_answers_the_second_round_with_the_adapter_of_the_first(proposing, tmp_path):
    given = [f"model.base_url={proposing.url}", "model.adapters=true", "rounds.max=2"]
    flags = [word for one in given for word in ("--set", one)]
    done = finish([*RUN, *flags], tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/served/round-2/examples.jsonl").read_text()
    [adapter] = proposing.adapters
    assert {body["model"] for body in proposing.received} == {"m", adapter["id"]}


def test_a_signal_ends_a_run_that_waits_for_a_server(proposing, tmp_path):
    proposing.slow = 30.0
    url = ["--set", f"model.base_url={proposing.url}", "--set", "model.timeout=60"]
    process = subprocess.Popen(
        [*RUN, *url], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True
    )
    while not proposing.running:
        time.sleep(0.01)
    process.terminate()
    _, complaint = process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Error: stopped by SIGTERM" in complaint and "Traceback" not in complaint


def test_listing_plugins_does_not_import_the_client(tmp_path):
    code = (
        "import sys; from selfspec_core.plugins import PluginHost; host = PluginHost();"
        "host.load_defaults(); assert host.has('models', 'openai');"
        "assert not {'openai', 'asyncio', 'httpx'} & set(sys.modules)"
    )
    assert finish([sys.executable, "-c", code], tmp_path).returncode == 0
