"""A real server on the loopback, `transformers serve` with nano, asked by the real client."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from selfspec_core import Sampling
from selfspec_core.config import ModelSettings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Returns base address and model's name; sampling is on, unlike in nano itself."""
    for needed in ("torch", "fastapi", "uvicorn", "openai"):
        pytest.importorskip(needed)
    weights = tmp_path_factory.mktemp("served") / "nano"
    shutil.copytree(Path(str(resources.files("selfspec_nano") / "weights")), weights)
    settings = json.loads((weights / "generation_config.json").read_text())
    (weights / "generation_config.json").write_text(json.dumps(settings | {"do_sample": True}))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(weights)]
    command += ["--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment(), stdout=-3, stderr=-3)
    yield f"http://127.0.0.1:{port}/v1", str(weights)
    process.terminate()
    process.wait(60)


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, sys.path))
    return os.environ | {"PYTHONPATH": path, "NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"}


def test_greedy_texts_are_those_of_the_model_itself(asking, serve):
    """Also: a server whose list of models is broken, as this one's is without a hub cache."""
    from selfspec_nano.plugin import Nano

    url, name = serve
    served = asking(server_model=name, base_url=(url,), patience=90.0, timeout=60.0)
    assert served.describe()["endpoint"] == "completions"
    assert not served.capabilities.likelihood  # it leaves `echo` out
    asked = [
        f"Task: Name the company.\nText: {name} sold {n} of its ships.\nAnswer:"
        for n, name in enumerate(("Acme", "Borel", "Cantor", "Dedekind", "Euler", "Fermat"))
    ]
    sampling = Sampling(max_new_tokens=12, stop=("\n",))
    local = Nano(ModelSettings(processes=1))
    local.load()
    assert served.generate(asked, sampling) == local.generate(asked, sampling)
    local.unload()


def test_a_run_from_proposals_to_scores(serve, tmp_path):
    url, name = serve
    command = [
        sys.executable,
        "-m",
        "selfspec_core",
        "run",
        "--domain",
        "general",
        "--name",
        "served",
    ]
    given = {
        "model.name": "openai",
        "model.base_url": url,
        "model.server_model": name,
        "model.patience": 300,
        "training.model": "scripted",
        "data.size": 10,
        "evaluation.resamples": 100,
    }
    flags = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    done = subprocess.run(
        [*command, *flags], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "runs/served"
    assert (folder / "round-1/examples.jsonl").read_text().count("\n") > 0
    scores = json.loads((folder / "round-1/scores.json").read_text())
    assert "specialized@0" in scores["sets"]["general"]["systems"]
    answers = [json.loads(line) for line in (folder / "requests.jsonl").open(encoding="utf-8")]
    proposals = [row["answer"] for row in answers if isinstance(row["answer"], str)]
    assert len(set(proposals)) > len(proposals) / 2
