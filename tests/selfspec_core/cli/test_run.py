"""What `selfspec run` says before and after a run of seeds alone."""

import json

import pytest

TEXTS = ["Which one fills bulbs?", "Which lights signs?", "Which reacts least?", "Which floats?"]


@pytest.fixture
def adhoc(selfspec, tmp_path):
    """Calls `selfspec run` on a file of seeds, with the scripted model."""
    shared = {
        "task": "gases",
        "kind": "open_qa",
        "instruction": "Name the gas that is meant.",
        "output": "argon",
    }
    rows = [{**shared, "id": str(n), "input": text} for n, text in enumerate(TEXTS)]
    (tmp_path / "seeds.jsonl").write_text("\n".join(map(json.dumps, rows)))
    words = "run --seeds seeds.jsonl --model scripted --set data.size=4 --name one".split()
    return lambda *more: selfspec(*words, *more)


def test_knowledge_that_is_not_there_is_refused_before_anything_is_loaded(adhoc, tmp_path):
    done = adhoc("--knowledge", "nope")
    line = f"Error: --knowledge {tmp_path.resolve() / 'nope'}: no such file or folder\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)
    assert not (tmp_path / "runs").exists()


def test_knowledge_of_no_known_type_is_said_once(adhoc, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.xyz").write_text("x")
    done = adhoc("--knowledge", "notes")
    assert done.returncode == 2
    assert done.stderr.count("holds no file of a known type") == 1
    assert not (tmp_path / "runs/one").exists()


def test_without_items_it_is_said_that_there_is_nothing_to_measure_on(adhoc, selfspec):
    done = adhoc()
    assert done.returncode == 0, done.stderr
    note = "no test items to measure on, so no scores; --benchmark FILE gives some"
    assert (done.stderr.count(note), done.stdout.count(note)) == (1, 1)
    assert "evaluate adhoc" not in done.stderr
    assert "layout" not in done.stderr + done.stdout
    assert "Results" not in done.stdout
    shown = json.loads(selfspec("show", "one", "--json").stdout)
    assert shown["rounds"][0]["evaluated"] and shown["rounds"][0]["systems"] == {}


def test_of_a_benchmark_alone_nothing_is_said_of_other_items(adhoc, tmp_path):
    item = {"id": "1", "instruction": "Name it.", "input": "It glows.", "output": ["neon"]}
    (tmp_path / "bench.jsonl").write_text(json.dumps(item | {"metric": "token_f1"}))
    done = adhoc("--benchmark", "bench.jsonl")
    assert done.returncode == 0, done.stderr
    assert "evaluate bench/specialized@0: 1 items" in done.stderr
    assert "evaluate adhoc" not in done.stderr
    assert "no test items" not in done.stderr + done.stdout


def test_it_ends_with_what_to_do_next(adhoc, tmp_path):
    done = adhoc()
    *_, talk, report = done.stderr.splitlines()
    assert talk.startswith('selfspec ask one "')
    assert report == "report      runs/one/report.html" and (tmp_path / report.split()[1]).exists()
    assert "Results on seeds.jsonl" not in done.stdout
    assert json.loads((tmp_path / "runs/one/manifest.json").read_text())["domain"] == "seeds.jsonl"


def test_the_manifest_has_what_the_model_says_of_itself(adhoc, tmp_path):
    assert adhoc().returncode == 0
    loaded = [
        commit["is"]
        for commit in map(json.loads, (tmp_path / "runs/one/round-1/commits.jsonl").open())
        if commit["stage"] == "load"
    ]
    manifest = json.loads((tmp_path / "runs/one/manifest.json").read_text())
    assert manifest["models"] == {"scripted": loaded[0]}


def test_more_processes_than_can_train_are_refused_before_anything_is_done(adhoc, tmp_path):
    done = adhoc("--set", "training.processes=2", "--set", "training.batch=2")
    line = "Error: training.processes: trainer 'remember' tunes in one process"
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, line)
    assert not (tmp_path / "runs/one").exists()
