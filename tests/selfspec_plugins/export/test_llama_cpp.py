"""llama.cpp itself reads our files as transformers does; needs `pip install xllamacpp`."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import tiny_runs

from selfspec_core.interchange.exporting import export
from selfspec_core.progress import Silent
from selfspec_core.specialists import open_specialist
from selfspec_plugins.export import gguf_format
from selfspec_plugins.export.plugin import GgufExporter
from selfspec_plugins.export.trained import Trained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("xllamacpp") is None, reason="needs xllamacpp"),
    pytest.mark.skipif(find_spec("gguf") is None, reason="needs gguf"),
]
PLACES = 6
TOLERANCES = {"f32": 0.02, "f16": 0.05, "q8_0": 0.5}
"""In standard deviations of a logit; its arithmetic is coarser than that of transformers."""

SCRIPT = Path(__file__).with_name("llama_cpp.py")


def ask(file, questions):
    """Returns what llama.cpp says to texts and rows of tokens."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(file)],
        input=json.dumps(questions),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("precision", ["f32", "f16", "q8_0"])
@pytest.mark.parametrize("variant", list(tiny_runs.LLAMAS))
def test_it_says_what_the_trained_model_says(tmp_path, monkeypatch, variant, precision):
    monkeypatch.chdir(tmp_path)
    tiny_runs.build(tmp_path, tiny_runs.LLAMAS[variant]())
    specialist = open_specialist("tiny")
    export(specialist, GgufExporter(), tmp_path / "out", precision, Silent())
    was = Trained(specialist, Silent())
    questions = [
        {"text": one.prompt.text, "rows": [one.tokens + one.said[:n] for n in range(PLACES)]}
        for one in was.golden
    ]
    found = ask(tmp_path / "out" / gguf_format.FILE, questions)
    places = 0
    for golden, said in zip(was.golden, found, strict=True):
        assert said["tokens"] == golden.tokens
        for logits, likeliest in zip(golden.logits, said["places"], strict=False):
            expected, spread = logits.log_softmax(-1), float(logits.std())
            for token, logprob in likeliest:
                assert abs(logprob - float(expected[token])) <= TOLERANCES[precision] * spread
            places += bool(likeliest)
    assert places > 20
