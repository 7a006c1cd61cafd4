"""nano behind a server of somebody else says what it says here: asked by hand, as both are large.

    SELFSPEC_SERVER=http://127.0.0.1:8000/v1 pytest -m slow …/served/test_other_servers.py

vLLM: `vllm serve plugins/selfspec_nano/weights --dtype float32 --max-model-len 1024`. llama.cpp
serves what `selfspec export RUN --to gguf` wrote, which is rounded to 16 bits; SELFSPEC_ADAPTER is
then the run's `round-1/adapter`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from selfspec_core import LAYOUTS, Sampling
from selfspec_core.config import ModelSettings

URL = os.environ.get("SELFSPEC_SERVER", "")
ADAPTER = os.environ.get("SELFSPEC_ADAPTER")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not URL, reason="SELFSPEC_SERVER names no server"),
]


@pytest.fixture(scope="module")
def prompts() -> list[str]:
    from selfspec_finance import Finance

    items = [item for task in Finance().tasks() for item in task.items][::6][:60]
    return [LAYOUTS["task"].prompt(item.instruction, item.input) for item in items]


@pytest.fixture(scope="module")
def local():
    from selfspec_nano.plugin import Nano

    model = Nano(ModelSettings(processes=1))
    model.load()
    model.use_adapter(Path(ADAPTER) if ADAPTER else None)
    yield model
    model.unload()


@pytest.fixture
def served(asking):
    return asking(base_url=(URL,), patience=30.0, timeout=60.0)


def test_greedy_texts(served, local, prompts):
    sampling = Sampling(max_new_tokens=16, stop=LAYOUTS["task"].stop)
    pairs = zip(served.generate(prompts, sampling), local.generate(prompts, sampling), strict=True)
    other = [pair for pair in pairs if pair[0] != pair[1]]
    assert len(other) <= (len(prompts) // 20 if ADAPTER else 0), other


def test_likelihoods(served, local, prompts):
    if not served.capabilities.likelihood:
        pytest.skip("the server does not echo")
    pairs = [(prompt, f" {word}") for prompt in prompts for word in ("neutral", "the bank")]
    assert served.loglikelihood(pairs) == pytest.approx(local.loglikelihood(pairs), abs=1e-3)
