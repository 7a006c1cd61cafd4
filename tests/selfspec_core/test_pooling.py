"""Several runs as one: resampled together over tasks, read back only as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest

from selfspec_core.errors import UsageError
from selfspec_core.measures.pooling import Answered, pool, read_runs
from selfspec_core.measures.statistics import Bootstrap, Counts
from selfspec_core.types import Item, Prediction


def item(task, number):
    return Item(
        f"{task}-{number}", task, "yesno", "Is it?", "x", ("yes",), "accuracy", ("yes", "no")
    )


def answered(tmp_path, name, right, sets=1):
    """A run whose system `s@0` answers the share `right` of the items of each task."""
    items = [item(task, n) for task in "ab" for n in range(20)]
    said = [
        Prediction("s@0", one.id, "", "yes" if row % 20 < 20 * right else "no", demo_set)
        for demo_set in range(sets)
        for row, one in enumerate(items)
    ]
    return Answered(tmp_path / name, {}, {}, {"own": items}, {"own": {"s@0": said}})


def test_scores_are_means_over_runs_and_their_sets(tmp_path):
    runs = [answered(tmp_path, "one", 0.5), answered(tmp_path, "two", 1.0)]
    pooled = pool(runs, "own")
    assert pooled.bootstrap.score(pooled.tables["s@0"]).value == 0.75
    assert pooled.bootstrap.each(pooled.tables["s@0"]) == [0.5, 1.0]
    mixed = pool([answered(tmp_path, "one", 0.5, sets=3), answered(tmp_path, "two", 1.0)], "own")
    assert mixed.bootstrap.each(mixed.tables["s@0"]) == [0.5, 1.0]
    assert mixed.bootstrap.score(mixed.tables["s@0"]).value == 0.75


def test_a_run_is_drawn_with_all_of_its_demonstration_sets(tmp_path):
    """Five sets of an adapter say no more about other adapters than one does."""
    shares = {"one": 0.4, "two": 0.5, "three": 0.8}
    once, often = (
        pool([answered(tmp_path, name, share, sets) for name, share in shares.items()], "own")
        for sets in (1, 5)
    )
    alone = once.bootstrap.score(once.tables["s@0"])
    score = often.bootstrap.score(often.tables["s@0"])
    assert (score.value, score.low, score.high) == pytest.approx(
        (alone.value, alone.low, alone.high)
    )
    gain = often.bootstrap.gain(often.tables["s@0"], once.tables["s@0"])
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0, 0, 0))


def test_what_a_run_is_better_in_it_is_better_in_everywhere():
    """Runs are drawn once for all tasks; drawn for each task apart they would average out."""
    tasks = {f"t{n}": 200 for n in range(20)}
    runs = np.stack([np.full((200, 1), share) for share in (0.2, 0.5, 0.8)])
    table = {task: Counts("accuracy", runs) for task in tasks}
    joint = Bootstrap(tasks, drawn_with=dict.fromkeys(tasks, "runs")).score(table)
    apart = Bootstrap(tasks).score(table)
    assert joint.value == apart.value == pytest.approx(0.5)
    draws = np.random.default_rng(0).choice([0.2, 0.5, 0.8], size=(4000, 3)).mean(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5))
    assert (joint.low, joint.high) == pytest.approx((low, high), abs=0.02)
    assert apart.high - apart.low < (joint.high - joint.low) / 3


def test_an_answer_that_is_missing_names_run_and_system(tmp_path):
    run = answered(tmp_path, "one", 0.5)
    run.said["own"]["s@0"].pop()
    with pytest.raises(UsageError, match=r"one: s@0 did not answer all items of 'own'"):
        pool([run], "own")


def test_a_subset_of_the_items_is_scored_alone(tmp_path):
    run = answered(tmp_path, "one", 0.5)
    pooled = pool([run], "own", run.items["own"][:10])
    assert pooled.bootstrap.score(pooled.tables["s@0"]).value == 1.0
    assert pool([run], "own", []).tables == {}
    assert pool([run], "own", likely=True).tables == {}  # no likelihoods were taken


def test_runs_that_cannot_be_read_are_named(run_of_scripted, tmp_path):
    path = run_of_scripted
    [run] = read_runs([path])
    assert run.own == "bench" and len(run.items["bench"]) == 4
    file = path / "manifest.json"
    manifest = json.loads(file.read_text())
    bench = tmp_path / "bench.jsonl"
    text = bench.read_text()
    bench.write_text(text.replace("It glows", "It shines"))
    with pytest.raises(UsageError, match="the items of 'bench' are not what they were then"):
        read_runs([path])
    bench.write_text(text)
    file.write_text(json.dumps(manifest | {"chosen_round": None}))
    with pytest.raises(UsageError, match="is not finished; `selfspec resume .*` goes on"):
        read_runs([path])
    file.write_text(json.dumps(manifest))
    (path / "round-1/scores.json").unlink()
    with pytest.raises(UsageError, match="was not evaluated"):
        read_runs([path])


@pytest.fixture
def run_of_scripted(tmp_path, monkeypatch):
    """A finished run of a file of seeds on a benchmark of four items."""
    from click.testing import CliRunner

    from selfspec_core.cli.main import selfspec as cli

    monkeypatch.chdir(tmp_path)
    shared = {"task": "gases", "kind": "open_qa", "instruction": "Name the gas that is meant."}
    asked = [
        "Which one fills bulbs?",
        "Which lights signs?",
        "Which reacts least?",
        "Which floats?",
    ]
    seeds = [{**shared, "id": str(n), "input": t, "output": "argon"} for n, t in enumerate(asked)]
    (tmp_path / "seeds.jsonl").write_text("\n".join(map(json.dumps, seeds)))
    items = [
        {
            **shared,
            "id": str(n),
            "input": f"It glows {n}.",
            "output": ["neon"],
            "metric": "token_f1",
        }
        for n in range(4)
    ]
    (tmp_path / "bench.jsonl").write_text("\n".join(map(json.dumps, items)))
    words = "run --seeds seeds.jsonl --benchmark bench.jsonl --model scripted --name one".split()
    done = CliRunner().invoke(cli, [*words, "--set", "data.size=4"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return tmp_path / "runs/one"
