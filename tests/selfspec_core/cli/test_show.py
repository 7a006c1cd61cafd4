import json
import re

import pytest
from click.testing import CliRunner

from selfspec_core.cli.main import selfspec as cli
from selfspec_core.cli.show import summarize
from selfspec_core.errors import UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.runs import Run


def shown(*arguments):
    result = CliRunner().invoke(cli, ["show", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_json_has_the_documented_shape(run_folder):
    summary = json.loads(shown("latest", "--json"))
    assert summary["run"] == "runs/demo"
    assert {"domain", "model", "seconds", "chosen_round", "rounds"} <= summary.keys()
    [one] = summary["rounds"]
    assert (one["round"], one["proposed"], one["accepted"]) == (1, 800, 512)
    assert one["rejected"] == {"novelty": 120, "well_formed": 80}
    assert one["systems"]["base@0"]["macro"] == 0.111
    assert one["gains"]["specialized@0 - base@0"] == {"mean": 0.401, "low": 0.362, "high": 0.44}
    assert one["likelihood"]["systems"]["base@0"]["macro"] == 0.55
    assert list(one["benchmarks"]) == ["extra"]
    assert "sets" not in one


def test_tables_show_scores_with_three_decimals_in_order(run_folder):
    text = shown("demo")
    rows = re.findall(r"^  (\S+@\d) +(\d\.\d{3}) +\[", text, re.MULTILINE)
    names = [name for name, _ in rows[:6]]
    assert names == [
        "base@0",
        "base-best@0",
        "base@5",
        "seeds-only@0",
        "seeds-only-long@0",
        "specialized@0",
    ]
    assert rows[5][1] == "0.512"
    assert re.search(r"base@5 +0\.400 .* 0\.021$", text, re.MULTILINE)
    assert re.search(r"specialized@0 − base@0 +\+0\.401 +\[0\.362, 0\.440\] +better", text)
    assert re.search(r"specialized@0 − base@5 +\+0\.112 +\[-0\.010, 0\.200\] +no clear", text)
    assert re.search(r"specialized@0 − seeds-only-long@0 +-0\.080 .* worse", text)
    assert re.search(r"well_formed +80 +10 % +no input 50, no instruction 30", text)
    assert re.search(r"accepted +512 +64 %", text)
    assert "Results on benchmark extra" in text
    assert "2 min 51 s" in text
    assert re.search(
        r"What each system is\n.*  seeds-only +.* tuned on the seeds alone", text, re.DOTALL
    )


def test_what_was_lost_elsewhere_is_shown_without_items_of_the_domain(run_folder):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    scores["sets"] = {}
    lost = {"mean": -0.1, "low": -0.2, "high": -0.05, "n": 84, "sizes": {"x": 84}}
    scores["collateral"] = {
        "general": {"test": lost | {"systems": {"base-best@0": 0.3, "specialized@0": 0.2}}}
    }
    file.write_text(json.dumps(scores))
    assert re.search(r"general +0\.300 +0\.200 +-0\.100", shown("demo"))


def test_tables_fit_a_hundred_columns(run_folder):
    assert max(map(len, shown("demo").splitlines())) <= 100


def test_text_from_elsewhere_is_no_markup_and_no_escape_sequence(run_folder):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    scores["reasons"] = {"novelty: [red]of[/] \x1b[31mseed": 120}
    file.write_text(json.dumps(scores))
    text = shown("demo")
    assert "[red]of[/]" in text
    assert "\x1b" not in text


def test_a_run_under_way_shows_what_is_committed_and_changes_nothing(run_folder):
    (run_folder / "round-1/scores.json").unlink()
    folder = RoundFolder(run_folder / "round-1")
    whole = dict.fromkeys(("kind", "instruction", "input", "output"), "x")
    whole |= {"task": "tone", "round": 1, "batch": 0}
    accepted = [{"id": str(n), **whole} for n in range(3)]
    late = accepted[0] | {"filter": "agreement", "reason": "other answer", "output": "x"}
    early = late | {"filter": "novelty", "reason": "near-copy"}
    del early["output"]
    folder.commit("propose", 0, {"instructions": accepted, "rejected": [early, early]})
    folder.commit("answer", 0, {"examples": accepted[:1], "rejected": [late]})
    journal = run_folder / "round-1/examples.jsonl"
    with journal.open("a") as file:
        file.write('{"id": "9", "task": "tone"}\n{"id": "10", "ta')  # being written
    before = journal.read_bytes()
    [one] = summarize(run_folder)["rounds"]
    assert journal.read_bytes() == before
    assert (one["proposed"], one["accepted"], one["unused"]) == (5, 1, 1)
    assert one["rejected"] == {"novelty": 2, "agreement": 1}
    assert one["systems"] == one["gains"] == {}
    assert "not evaluated yet" in shown("demo")


def test_a_gain_on_too_few_items_has_no_verdict(run_folder):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    own, extra = scores["sets"]["finance"], scores["sets"]["extra"]
    for system in own["systems"].values():
        system["n"] = 2
    extra["gains"]["specialized@0 - base@0"] = {"mean": 1.0, "low": 1.0, "high": 1.0}
    file.write_text(json.dumps(scores))
    text = shown("demo")
    assert text.count("no verdict: under 12 items in a task") == len(own["gains"])
    assert re.search(r"\+1\.000 +\[1\.000, 1\.000\] +no verdict: all items differ alike", text)
    assert max(map(len, text.splitlines())) <= 100


def test_the_smallest_task_decides_whether_there_is_a_verdict(run_folder):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    own = scores["sets"]["finance"]
    scores["sets"]["finance"] = own | {"sizes": {"tone": 239, "terms": 1}}
    scores["sets"]["extra"] = own | {"sizes": {"tone": 228, "terms": 12}}
    file.write_text(json.dumps(scores))
    finance, extra = shown("demo").split("Results on benchmark extra")
    assert finance.count("no verdict: under 12 items in a task") == len(own["gains"])
    assert "no verdict" not in extra and " better" in extra


def set_state(run_folder, state):
    file = run_folder / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"state": state}))


def test_a_run_that_nobody_holds_is_interrupted_and_says_how_to_go_on(run_folder):
    set_state(run_folder, "running")
    before = sorted(run_folder.rglob("*"))
    run_folder.chmod(0o555)  # only read
    summary = json.loads(shown("latest", "--json"))
    assert summary["state"] == "interrupted"
    assert summary["notes"] == ["interrupted; nothing is lost: `selfspec resume demo` goes on"]
    assert summary["notes"][0] in shown("demo")
    assert f"`selfspec resume {run_folder}` goes on" in summarize(run_folder)["notes"][0]
    run_folder.chmod(0o755)
    assert sorted(run_folder.rglob("*")) == before


def test_a_run_that_somebody_holds_is_running(run_folder):
    set_state(run_folder, "running")
    run = Run.open(run_folder, write=True)
    assert summarize(run_folder)["state"] == "running"
    assert summarize(run_folder)["notes"] == []
    run.close()
    assert summarize(run_folder)["state"] == "interrupted"
    set_state(run_folder, "finished")
    assert summarize(run_folder)["state"] == "finished"


def test_a_run_that_has_just_begun(run_folder):
    (run_folder / "round-1/scores.json").unlink()
    (run_folder / "round-1").rmdir()
    assert "No round has begun" in shown("demo")


def test_broken_scores_name_file_and_line(run_folder):
    (run_folder / "round-1/scores.json").write_text('{"round": 1,\n oops')
    with pytest.raises(UsageError, match=r"round-1/scores\.json:2: not valid JSON"):
        summarize(run_folder)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("rejected", None, "'rejected': expected an object, got None"),
        ("unused", "x", "'unused': expected a count, got 'x'"),
        ("collateral_limit", [], "'collateral_limit': expected a number"),
        ("layouts", 5, "'layouts': expected an object"),
        ("sets", {"s": 5}, "'sets.s': expected an object, got 5"),
        ("sets", {"s": {"systems": []}}, "'sets.s.systems': expected an object"),
    ],
)
def test_scores_of_another_sort_are_named_with_their_key(run_folder, key, value, said):
    file = run_folder / "round-1/scores.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(UsageError, match=rf"round-1/scores\.json: damaged: key {said}"):
        summarize(run_folder)


def test_an_unknown_run_names_the_nearest(run_folder):
    result = CliRunner().invoke(cli, ["show", "dmeo"])
    assert str(result.exception) == "dmeo: no such run; did you mean 'demo'?"


def test_the_time_is_broken_down_by_step_and_by_model_calls(run_folder):
    file = run_folder / "manifest.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps(manifest | {"in_model_calls": {"propose": 70.25}}))
    time = json.loads(shown("demo", "--json"))["time"]
    assert list(time["steps"]) == ["load", "propose", "other"]
    assert time["steps"]["propose"] == {"seconds": 80.25, "in_model_calls": 70.25}
    assert time["outside"] == 99.45  # 10 of propose, 89.45 of no step
    text = shown("demo")
    assert re.search(r"propose +1 min 20 s +47 % +1 min 10 s", text)
    assert "outside model calls 1 min 39 s, 59 % of the time without imports and load" in text


def test_damaged_timings_are_named(run_folder):
    file = run_folder / "manifest.json"
    manifest = json.loads(file.read_text())
    file.write_text(json.dumps(manifest | {"timings": {"load": "long"}}))
    with pytest.raises(UsageError, match=r"manifest\.json: damaged: key 'timings'"):
        summarize(run_folder)
