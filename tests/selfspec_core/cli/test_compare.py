"""`selfspec compare` and `selfspec reproduce` on runs of a small file of seeds."""

from __future__ import annotations

import json
import re
import shutil

import pytest
from click.testing import CliRunner

from selfspec_core.cli.main import selfspec as cli
from selfspec_core.errors import SelfspecError

TASKS = ("tone", "size")


def jsonl(rows):
    return "".join(json.dumps(one) + "\n" for one in rows)


def call(*words, code=0):
    result = CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False)
    assert (result.return_value or 0) == code, result.output
    return result.stdout


def fails(*words):
    result = CliRunner().invoke(cli, words)
    assert isinstance(result.exception, SelfspecError), result.output
    return result.exception.exit_code, str(result.exception)


def run(name, *more, bench="bench.jsonl"):
    words = f"run --seeds seeds.jsonl --benchmark {bench} --model scripted --name {name}".split()
    words += ["--set", "data.size=12", "--set", "evaluation.resamples=200"]
    call(*words, *more)


def items(place):
    return [json.loads(line) for line in (place / "bench.jsonl").read_text().splitlines()]


def answers(place, name, system):
    file = place / f"runs/{name}/round-1/predictions.jsonl"
    said = [json.loads(line) for line in file.read_text().splitlines()]
    return {r["item"]: r.get("parsed") for r in said if r["system"] == system}


def test_pairs_share_items_and_say_what_they_do_not_share(place):
    run("a")
    folder = place / "less"
    folder.mkdir()
    changed = {**items(place)[3], "input": "Something else is bad."}
    fewer = [changed if one["id"] == changed["id"] else one for one in items(place)[:-4]]
    (folder / "bench.jsonl").write_text(jsonl(fewer))
    run("b", "--set", "data.size=0", bench="less/bench.jsonl")
    result = json.loads(call("compare", "a", "b", "--json"))
    [one] = result["comparisons"]
    bench = one["sets"]["bench"]
    assert bench["not_shared"] == {"only in A": 4, "changed": 1}
    shared = [i for i in items(place)[:-4] if i["id"] != changed["id"]]
    assert bench["items"] == len(shared) == 23
    said = {name: answers(place, name, "specialized@0") for name in "ab"}
    macro = {
        name: [
            sum(said[name][i["id"]] == i["output"][0] for i in shared if i["task"] == task)
            / sum(i["task"] == task for i in shared)
            for task in TASKS
        ]
        for name in "ab"
    }
    ours = bench["systems"]["specialized@0"]
    assert (ours["A"], ours["B"]) == pytest.approx([sum(macro[n]) / 2 for n in "ab"])
    assert ours["mean"] == pytest.approx(ours["B"] - ours["A"])
    assert bench["tasks"]["size"]["verdict"] == "no verdict: under 12 items in a task"
    assert {"key": "data.size", "A": 12, "B": 0} in result["differ"]["B"]
    assert [group["accepted"][0] for group in result["groups"]] == [accepted(place, "a"), 0]
    text = call("compare", "a", "b")
    assert "items that are not shared: 4 only in A, 1 changed" in text
    assert max(map(len, text.splitlines())) <= 100


def accepted(place, name):
    return json.loads((place / f"runs/{name}/round-1/scores.json").read_text())["accepted"]


def test_runs_joined_by_commas_are_draws_of_one(place):
    for number in range(2):
        run(f"a-{number}", "--random-seed", str(number))
        run(f"b-{number}", "--random-seed", str(number), "--set", "data.size=0")
    result = json.loads(call("compare", "a-0,a-1", "b-0,b-1", "--json"))
    assert [group["random_seeds"] for group in result["groups"]] == [[0, 1], [0, 1]]
    assert [group["unlike"] for group in result["groups"]] == [[], []]
    assert "random_seed" not in {one["key"] for one in result["differ"]["B"]}
    ours = result["comparisons"][0]["sets"]["bench"]["systems"]["specialized@0"]
    alone = [
        json.loads(call("compare", f"a-{n}", f"b-{n}", "--json"))["comparisons"][0]["sets"]["bench"]
        for n in range(2)
    ]
    means = [one["systems"]["specialized@0"]["mean"] for one in alone]
    assert ours["mean"] == pytest.approx(sum(means) / 2)
    unlike = json.loads(call("compare", "a-0,b-1", "b-0", "--json"))["groups"][0]["unlike"]
    assert unlike == ["settings.data.size"]
    call("compare", "a-0", "b-0", "a-1")


def test_what_cannot_be_compared_is_one_line(place):
    run("a")
    other = [{**one, "id": f"x-{one['id']}"} for one in items(place)]
    (place / "other").mkdir()
    (place / "other/bench.jsonl").write_text(jsonl(other))
    run("b", bench="other/bench.jsonl")
    asked = "seeds.jsonl, bench"
    wrong = {
        ("a", "b"): f"no test item in common: A asked {asked}; B asked {asked}",
        ("a",): "compare: 1 runs given, expected 2 to 26: selfspec compare RUN RUN",
        (): "compare: 0 runs given, expected 2 to 26: selfspec compare RUN RUN",
        ("a", "c"): "c: no such run; known: a, b",
        ("a", "a"): "runs/a: is given twice",
        ("a", ","): "compare: an empty name is given for a run",
        ("a,b", "b"): "runs/b: is given twice",
    }
    for runs, line in wrong.items():
        assert fails("compare", *runs) == (2, line)
    shutil.copytree(place / "runs/a", place / "runs/c")
    assert fails("compare", "a,b", "c") == (
        2,
        "a,b: runs/b did not ask the same items as runs/a",
    )


def test_a_run_is_reproduced_byte_by_byte(place):
    run("a")
    text = call("reproduce", "a")
    assert re.fullmatch(
        r"runs/a-again beside runs/a: reproduced, \d+ files with the same bytes\n", text
    )
    assert json.loads((place / "runs/a-again/manifest.json").read_text())["reproduces"] == "runs/a"
    assert call("reproduce", "a") == text  # compares again, runs nothing
    result = json.loads(call("reproduce", "a", "--json"))
    assert (result["differ"], result["changed"]) == ([], [])
    run("b")
    line = "--name b: runs/b is another run; choose another name"
    assert fails("reproduce", "a", "--name", "b") == (2, line)
    assert fails("reproduce", "nope")[1].startswith("nope: no such run; ")


def test_a_repetition_that_was_interrupted_goes_on(place):
    run("a")
    call("reproduce", "a")
    again = place / "runs/a-again"
    manifest = json.loads((again / "manifest.json").read_text())
    (again / "manifest.json").write_text(json.dumps(manifest | {"state": "running"}))
    (again / "round-1/scores.json").unlink()
    assert "reproduced" in call("reproduce", "a")
    assert (again / "round-1/scores.json").exists()


def test_changed_conditions_are_refused_and_named_anyway(place):
    run("a")
    seeds = (place / "seeds.jsonl").read_text()
    (place / "seeds.jsonl").write_text(seeds.replace("harbour", "seaport").replace("orchard", "x"))
    code, line = fails("reproduce", "a")
    assert code == 1 and "\n" not in line
    assert re.match(r"cannot reproduce: changed since: seeds from '\w+' to '\w+'", line)
    assert line.endswith("; --anyway runs it nevertheless")
    assert not (place / "runs/a-again").exists()
    text = call("reproduce", "a", "--anyway", code=1)
    assert re.search(
        r"first to differ: round-1/instructions\.jsonl: line \d+, field '[\w.]+': ", text
    )
    assert re.search(r"other answers to items: \d+ of \d+", text)
    result = json.loads(call("reproduce", "a", "--anyway", "--json", code=1))
    assert "seeds" in [one["key"] for one in result["changed"]]
    assert result["same"] < result["files"]
    assert result["scores"]["comparisons"][0]["sets"]["bench"]["items"] == 28


def test_a_changed_answer_is_found(place):
    run("a")
    call("reproduce", "a")
    file = place / "runs/a/round-1/scores.json"
    file.write_text(file.read_text() + " ")
    text = call("reproduce", "a", code=1)
    assert re.search(r"first to differ: round-1/scores.json: \d+ bytes before, \d+ again", text)
    assert re.search(r"all \d+ answers to items are the same", text)


def test_only_a_finished_run_can_be_reproduced(place):
    run("a")
    file = place / "runs/a/manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"state": "running"}))
    line = "runs/a: is not finished; `selfspec resume runs/a` goes on"
    assert fails("reproduce", "a") == (2, line)


def test_what_is_damaged_is_named_before_a_run_is_repeated(place):
    run("a")
    run("b")
    file = place / "runs/a/round-1/scores.json"
    kept = file.read_text()
    file.write_text("{}")
    for words in (("compare", "a", "b"), ("reproduce", "a")):
        assert fails(*words) == (2, "runs/a/round-1/scores.json: damaged: holds no scores")
    file.write_text(kept)
    said = place / "runs/a/round-1/predictions.jsonl"
    said.write_bytes(said.read_bytes()[:300])
    code, line = fails("reproduce", "a")
    assert code == 1 and re.match(r"runs/a/round-1/predictions\.jsonl:\d+: damaged: ", line)
    assert not (place / "runs/a-again").exists()
    manifest = json.loads((place / "runs/b/manifest.json").read_text())
    del manifest["conditions"]["settings"]
    (place / "runs/b/manifest.json").write_text(json.dumps(manifest))
    line = "runs/b/manifest.json: damaged: key 'conditions.settings' is missing"
    assert fails("compare", "b", "a") == (2, line)


def test_a_repetition_without_scores_says_what_differs(place):
    run("a")
    call("reproduce", "a")
    for name in ("a", "a-again"):
        (place / f"runs/{name}/round-1/scores.json").unlink()
    journal = place / "runs/a/round-1/instructions.jsonl"
    journal.write_text("no JSON\n" + journal.read_text().partition("\n")[2])
    text = call("reproduce", "a", code=1)
    assert "first to differ: round-1/instructions.jsonl: line 1: 'no JSON' before, " in text
