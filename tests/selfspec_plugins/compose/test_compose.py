"""Two tiny specialists composed on the command line, from their runs to a table and an answer."""

from __future__ import annotations

import json

import pytest
import tiny_models
import tiny_runs
from click.testing import CliRunner

from selfspec_core.cli.main import selfspec as cli

QUICK = ["--set", "evaluation.resamples=100", "--set", "training.epochs=1"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    base = tiny_models.build(folder / "base")
    for draw, name in enumerate(("north", "south"), 1):
        tiny_runs.add_run(folder, name, base, draw, items=12)
    return folder


def call(*words):
    return CliRunner().invoke(cli, list(words))


def test_from_runs_to_a_table_and_an_answer(home, monkeypatch):
    from safetensors.torch import load_file

    monkeypatch.chdir(home)
    result = call("compose", "north", "south", "--name", "both", *QUICK)
    assert result.exit_code == 0, result.exception
    for said in ("mixture@0", "own-expert@0", "ties@0", "dare@0", "all-rows@0", "to north"):
        assert said in result.stdout, said
    folder = home / "runs/both"
    scores = json.loads((folder / "scores.json").read_text())
    assert list(scores["fields"]) == ["north-items", "south-items"]
    assert scores["all"]["systems"]["mixture@0"]["n"] == 24 and scores["left_out"] == {}
    mixture, ties = scores["composed"]["mixture"], scores["composed"]["ties"]
    assert mixture["rows"] == 24 and mixture["adapter"] == "adapter"
    assert list(mixture["routed"]) == ["north", "south"]
    assert len(ties["dev"]) == 3 and ties["adapter"].startswith("controls/ties-")
    assert ties["weight"] == {"1": 1.0, "2": 0.707, "3": 0.5}[ties["adapter"][-1]]
    assert max(ties["dev"].values()) == ties["dev"][ties["adapter"].rpartition("/")[2]]
    router = load_file(folder / "adapter/router.safetensors")
    assert router["weight"].shape == (2, 32) and router["bias"].shape == (2,)
    card = (folder / "README.md").read_text()
    assert "attach_router" in card and "| mixture@0 |" in card
    told = call("ask", "both", "Is this about rates?", "--input", "Rates rose.", "--json")
    assert told.exit_code == 0, told.exception
    assert set(json.loads(told.stdout)["answers"]) == {"specialized"}


def test_adapters_that_were_tuned_otherwise_are_refused(home, monkeypatch):
    monkeypatch.chdir(home)
    others = {"attention": {"target_modules": ["q_proj", "v_proj"]}, "dora": {"use_dora": True}}
    for name, own in others.items():
        tiny_runs.add_run(home, name, home / "base", 5, items=12, **own)
    said = {name: str(call("compose", "north", name, *QUICK).exception) for name in others}
    assert said["attention"].startswith("mixture: attention has target_modules q_proj, v_proj")
    assert said["dora"] == "mixture: dora has use_dora = True: not plain LoRA"
    assert not (home / "runs/north+dora").exists()
