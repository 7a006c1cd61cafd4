"""`selfspec sweep`: points are ordinary runs, share what they can, and survive a kill."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfspec_core.cli.main import selfspec as cli
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.sweeps.sharing import Store
from selfspec_plugins.scripted import Remember, Scripted

SMALL = "--seeds seeds.jsonl --benchmark bench.jsonl --model scripted --set data.size=24".split()
SMALL += "--set propose.batch=8 --set answer.batch=4 --set evaluation.resamples=100".split()


def call(*words):
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def fails(*words):
    """Returns the exit code and the line of a command that ends in an error."""
    result = CliRunner().invoke(cli, words)
    assert isinstance(result.exception, SelfspecError), result.output
    return result.exception.exit_code, str(result.exception)


def fingerprint(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.glob("**/round-1/**/*") if path.is_file())
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture
def asked(monkeypatch):
    """Counts what the scripted model is truly asked, and trained on."""
    counts = {"texts": 0, "trainings": 0}
    generate, train = Scripted.generate, Remember.train

    def counted(self, prompts, sampling, progress=None):
        counts["texts"] += len(prompts)
        return generate(self, prompts, sampling, progress)

    def trained(self, rows, out, context, *, steps):
        counts["trainings"] += 1
        return train(self, rows, out, context, steps=steps)

    monkeypatch.setattr(Scripted, "generate", counted)
    monkeypatch.setattr(Remember, "train", trained)
    return counts


@pytest.mark.parametrize(
    "over", ["training.epochs=1,4", "evaluation.shots=0,2", "answer.demonstrations=1,5"]
)
def test_sharing_changes_no_byte_and_saves_asking(over, place, asked):
    call("sweep", *SMALL, "--over", over, "--name", "s")
    shared = dict(asked)
    key, _, values = over.partition("=")
    stem = key.partition(".")[2]
    for value in values.split(","):
        call("run", *SMALL, "--set", f"{key}={value}", "--name", f"alone-{value}")
        point = place / f"runs/s/{stem}-{value}"
        assert fingerprint(point) == fingerprint(place / f"runs/alone-{value}")
    alone = {what: asked[what] - shared[what] for what in asked}
    assert shared["texts"] < alone["texts"]
    assert alone["trainings"] == 6
    assert shared["trainings"] <= {"epochs": 6, "shots": 3, "demonstrations": 5}[stem]


@pytest.fixture(scope="module")
def sizes(lasting_place):
    """A finished sweep over sizes, and what it printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(lasting_place)
        over = ["--over", "data.size=0,10,24", "--name", "s"]
        return lasting_place, call("sweep", *SMALL, *over)


def scores(name):
    """Returns what `show` says of a run on the items of these tests."""
    return json.loads(call("show", name, "--json"))["rounds"][0]["benchmarks"]["bench"]


def test_smaller_sizes_are_parts_of_the_largest(sizes, monkeypatch):
    folder, _ = sizes
    monkeypatch.chdir(folder)
    call("run", *SMALL, "--name", "alone")
    assert fingerprint(folder / "runs/s/size-24") == fingerprint(folder / "runs/alone")
    whole = rows(folder / "runs/s/size-24/round-1/examples.jsonl")
    part = rows(folder / "runs/s/size-10/round-1/examples.jsonl")
    assert len(part) == 10 and all(row in whole for row in part)
    assert not (folder / "runs/s/size-0/round-1/examples.jsonl").exists()
    shown = json.loads(call("show", "s/size-10", "--json"))
    assert "its 10 examples are a part of the 24 of size-24, tasks in proportion" in shown["notes"]
    assert (shown["rounds"][0]["proposed"], shown["rounds"][0]["accepted"]) == (10, 10)
    none = scores("s/size-0")["gains"]["specialized@0 - seeds-only@0"]
    assert none == {"mean": 0, "low": 0, "high": 0}


def test_the_table_and_the_plot(sizes, monkeypatch):
    folder, printed = sizes
    monkeypatch.chdir(folder)
    lines = [line.split() for line in printed.splitlines() if re.match(r"  (0|10|24) ", line)]
    assert [line[:2] for line in lines] == [["0", "0"], ["10", "10"], ["24", "24"]]
    assert max(map(len, printed.splitlines())) <= 100
    assert call("show", "s") == printed
    values = json.loads(call("show", "s", "--json"))["values"]
    few = any(n < 12 for value in values for n in value["sizes"].values())
    assert ("no verdict on gains: under 12 items in a task" in printed) == few
    for line, value in zip(lines, values, strict=True):
        own = scores(f"s/size-{line[0]}")
        assert f"{own['systems']['specialized@0']['macro']:.3f}" == line[2]
        assert value["gains"]["base"]["over"] in ("base@0", "base-best@0")
        better = value["gains"]["control"]
        paired = own["gains"][f"specialized@0 - {better['over']}"]
        assert better["mean"] == pytest.approx(paired["mean"])
    svg = (folder / "runs/s/sweep.svg").read_text()
    assert "data.size" in svg and "better seeds-only control" in svg


def test_each_size_collects_for_itself_when_asked(place):
    call("sweep", *SMALL, "--over", "data.size=10,24", "--independent", "--name", "s")
    call("run", *SMALL, "--set", "data.size=10", "--name", "alone")
    assert fingerprint(place / "runs/s/size-10") == fingerprint(place / "runs/alone")


def test_two_alike_are_trained_once_even_side_by_side(place, asked):
    """Without examples the specialist is tuned on what the control `seeds-only` is."""
    over = ["--over", "data.size=0,24", "--independent", "--name", "s"]
    call("sweep", *SMALL, *over)
    assert asked["trainings"] == 4
    call("run", *SMALL, "--set", "data.size=0", "--name", "alone")
    assert fingerprint(place / "runs/s/size-0") == fingerprint(place / "runs/alone")


def test_a_kill_between_an_adapter_and_its_line_is_gone_on_from(place, monkeypatch, sizes):
    put = Store.put

    def killed(self, key, **result):
        if "steps" in result:
            raise KeyboardInterrupt
        put(self, key, **result)

    monkeypatch.setattr(Store, "put", killed)
    over = ["--over", "data.size=0,10,24", "--name", "s"]
    assert fails("sweep", *SMALL, *over)[0] == 130
    assert [*(place / "runs/s/shared/adapters").iterdir()]
    monkeypatch.setattr(Store, "put", put)
    call("resume", "s")
    assert fingerprint(place / "runs/s") == fingerprint(sizes[0] / "runs/s")


def test_a_finished_sweep_is_not_run_again_and_its_points_are_its_own(sizes, monkeypatch, asked):
    folder, printed = sizes
    monkeypatch.chdir(folder)
    assert call("resume", "s") == printed
    assert asked == {"texts": 0, "trainings": 0}
    again = fails("sweep", *SMALL, "--over", "data.size=0,5", "--name", "s")
    assert again == (2, "--name s: runs/s exists already; `selfspec resume s` goes on")
    whole = (2, "s: is a sweep; name one of its runs, as in s/POINT")
    assert fails("compare", "s", "s/size-24") == fails("reproduce", "s") == whole
    code, line = fails("reproduce", "s/size-10")
    assert code == 2 and "a part of those of runs/s/size-24; reproduce that one" in line


def until(condition, process):
    deadline = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert process.poll() is None


@pytest.mark.parametrize("where", ["within the first", "within a part", "between"])
def test_killed_and_resumed_it_ends_with_the_same_bytes(where, sizes, place):
    whole = fingerprint(sizes[0] / "runs/s")
    command = [sys.executable, "-m", "selfspec_core"]
    sweep = [*command, "sweep", *SMALL, "--over", "data.size=0,10,24", "--name", "s"]
    process = subprocess.Popen(
        sweep, cwd=place, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    folder = place / "runs/s"

    def committed(point, stage):
        file = folder / point / "round-1/commits.jsonl"
        return file.exists() and f'"stage": "{stage}"' in file.read_text()

    until(
        {
            "within the first": lambda: committed("size-24", "answer"),
            "within a part": lambda: committed("size-10", "share"),
            "between": lambda: (folder / "size-10").exists(),
        }[where],
        process,
    )
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    shown = subprocess.run([*command, "show", "s", "--json"], cwd=place, capture_output=True)
    assert json.loads(shown.stdout)["finished"] == (0 if where == "within the first" else 1)
    if where == "between":  # a kill in the instant before the manifest is there
        (folder / "size-0").mkdir()
        (folder / "size-0/.owner").write_text("somebody")
    point = "size-24" if where == "within the first" else "size-10"
    if (folder / point / "manifest.json").exists():
        alone = subprocess.run(
            [*command, "resume", f"s/{point}"], cwd=place, capture_output=True, text=True
        )
        assert alone.returncode == 2 and "`selfspec resume s` goes on with both" in alone.stderr
    subprocess.run([*command, "resume", "s"], cwd=place, check=True, capture_output=True)
    assert fingerprint(folder) == whole


def test_ctrl_c_says_how_to_go_on(place, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Remember, "train", stopped)
    code, line = fails("sweep", *SMALL, "--over", "training.r=4,8", "--name", "my sweep")
    assert (code, line) == (
        130,
        "interrupted; nothing is lost: `selfspec resume 'my sweep'` goes on",
    )
    monkeypatch.undo()
    monkeypatch.chdir(place)
    assert "2 of 2 runs" in call("resume", "my sweep")


def test_draws_are_pooled(place):
    words = ["--over", "seeds.count=6,12", "--draws", "2", "--name", "s", "--json"]
    result = json.loads(call("sweep", *SMALL, *words))
    assert (result["drawn"], result["finished"]) == ("seeds.draw", 4)
    for value in result["values"]:
        alone = [scores(f"s/{name}")["systems"]["specialized@0"] for name in value["runs"]]
        ours = value["systems"]["specialized@0"]
        assert ours["each"] == pytest.approx([one["macro"] for one in alone])
        assert ours["macro"] == pytest.approx(sum(ours["each"]) / 2)
        assert ours["sd"] == pytest.approx(abs(ours["each"][0] - ours["each"][1]) / 2**0.5)
    for draw in range(2):
        notes = json.loads(call("show", f"s/count-6-draw-{draw}", "--json"))["notes"]
        assert f"6 of 16 seeds: draw {draw}" in notes
    assert "SD" in call("show", "s")


def test_a_task_left_out_is_scored_by_who_has_not_seen_it(place):
    words = ["--over", "seeds.without=each", "--name", "s", "--json"]
    left = json.loads(call("sweep", *SMALL, *words))["left_out"]
    assert [row["sizes"] for row in left["values"]] == [{"tone": 14}, {"size": 14}]
    assert left["all"]["sizes"] == {"tone": 14, "size": 14}
    for row in left["values"]:
        [task] = row["tasks"]
        folder = place / f"runs/s/without-{task}/round-1"
        journal = [*rows(folder / "instructions.jsonl"), *rows(folder / "examples.jsonl")]
        assert journal and task not in {one["task"] for one in journal}
        own = [seed for seed in rows(place / "seeds.jsonl") if seed["task"] == task]
        assert not {seed["id"] for seed in own} & {id_ for one in journal for id_ in one["shown"]}
        for adapter in ("adapter", "controls/seeds-only", "controls/seeds-only-long"):
            memory = (folder / adapter / "memory.json").read_text()
            assert not any(seed["input"] in memory for seed in own)
        alone = scores(f"s/without-{task}")["systems"]
        for system in ("base-best@0", "base@5", "seeds-only-long@0", "specialized@0"):
            assert row["systems"][system]["macro"] == pytest.approx(alone[system]["tasks"][task])
    ours = [row["systems"]["specialized@0"]["macro"] for row in left["values"]]
    assert left["all"]["systems"]["specialized@0"]["macro"] == pytest.approx(sum(ours) / 2)
    shown = call("show", "s")
    assert "all, each by who has not seen it" in shown
    assert max(map(len, shown.splitlines())) <= 100


def test_a_run_that_fails_is_named_and_does_not_stop_the_others(place):
    over = ["--over", "filters.novelty.threshold=1e-9,0.7", "--name", "s"]
    code, line = fails("sweep", *SMALL, *over)
    assert (code, line) == (1, "1 of 2 runs failed; `selfspec resume s` tries again")
    result = json.loads(call("show", "s", "--json"))
    [(name, problem)] = result["failed"].items()
    assert name == "threshold-1e-09" and re.match(r"0 of \d+ accepted", problem)
    assert [len(value["runs"]) for value in result["values"]] == [0, 1]
    assert "failed: threshold-1e-09: 0 of " in call("show", "s")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--over", "data.sice=1,2"], "--over data.sice=1: unknown setting 'data.sice'; did you "),
        (["--over", "data.size=10,many"], "--over data.size=many: 'data.size' = 'many': input "),
        (["--over", "data.size=10,-3"], "--over data.size=-3: 'data.size' = -3: input should be"),
        (["--over", "data=1"], "--over data=1: 'data' = 1: it is a table; set one of its keys"),
        (["--over", "data.size"], "--over data.size: expected KEY=a,b,c, for example --over"),
        (["--over", "data.size="], "--over data.size=: expected KEY=a,b,c, for example --over"),
        (["--over", "seeds.count=10,4000"], "--over seeds.count=4000: seeds.count = 4000: there "),
        (["--over", "seeds.without=tune"], "--over seeds.without=tune: seeds.without: no "),
        (["--over", "random_seed=1,2", "--draws", "2"], "--draws: the values of random_seed are"),
        (["--over", "training.r=4,8", "--independent"], "--independent: goes with --over data."),
        (["--over", "data.size=1,2", "--name", "a/b"], "--name a/b: holds /"),
        (["--over", "data.size=1,2", "--set", "data.sice=3"], "--set: unknown setting 'data.sice'"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_written(words, message, place):
    code, line = fails("sweep", *SMALL, *words)
    assert code == 2 and line.startswith(message) and "\n" not in line
    assert not (place / "runs").exists()


def test_a_sweep_that_is_not_there_is_no_run_either(place):
    with pytest.raises(UsageError, match="nope: no such run"):
        CliRunner().invoke(cli, ["resume", "nope"], catch_exceptions=False)


def test_the_model_that_is_tuned_stays_in_memory_too(tmp_path):
    """Where `training.model` names another than the one that writes."""
    from selfspec_core.assembly.assemble import assemble
    from selfspec_core.assembly.request import Request
    from selfspec_core.cli.sweeping import Resident
    from selfspec_core.progress import Silent
    from selfspec_core.sweeps.sharing import Store

    resident, models = Resident(Store(tmp_path / "shared")), []
    for r in (8, 16):
        tables = ({"training": {"model": "nano", "r": r}}, {"filters": {"order": []}})
        assembly = assemble(Request("finance", model="scripted", set=tables), Silent())
        resident.serve(assembly)
        models.append(assembly.models)
    assert len(models[0]) == 2
    assert all(one is other for one, other in zip(*models, strict=True))


def test_a_second_setting_to_sweep_over_is_refused(place):
    line = "--over random_seed=1,2: given twice; a sweep is over one setting"
    assert fails("sweep", *SMALL, "--over", "data.size=4,8", "--over", "random_seed=1,2") == (
        2,
        line,
    )
