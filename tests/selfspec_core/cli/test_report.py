import json

import pytest
from click.testing import CliRunner

from selfspec_core.cli.main import selfspec as cli


def called(*arguments):
    return CliRunner().invoke(cli, ["report", *arguments])


def test_it_writes_the_page_and_prints_where(run_folder):
    result = called("demo")
    assert result.exit_code == 0 and result.stdout == "runs/demo/report.html\n"
    text = (run_folder / "report.html").read_text(encoding="utf-8")
    assert "nano, specialized in finance" in text and "+0.401" in text
    assert [path.name for path in run_folder.glob(".*")] == []  # nothing half-written is left


@pytest.mark.parametrize(
    ("name", "message"),
    [("dmeo", "dmeo: no such run; did you mean 'demo'?"), ("", ": no such run")],
)
def test_no_such_run(run_folder, name, message):
    assert message in str(called(name).exception)


def test_a_damaged_run_is_named_and_the_old_page_stays(run_folder):
    called("demo")
    before = (run_folder / "report.html").read_bytes()
    (run_folder / "round-1/scores.json").write_text("{")
    assert "round-1/scores.json:1: not valid JSON" in str(called("demo").exception)
    assert (run_folder / "report.html").read_bytes() == before


def test_a_run_writes_its_page_and_lives_without(selfspec, tmp_path):
    flags = (
        "run --domain finance --model scripted --set data.size=12 --set evaluation.resamples=100"
    )
    done = selfspec(*flags.split(), "--name", "a")
    assert done.returncode == 0 and "report      runs/a/report.html" in done.stderr
    assert (tmp_path / "runs/a/report.html").stat().st_size < 600_000
    broken = tmp_path / "broken/matplotlib"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('no figures today')")
    code = (
        "import sys; sys.path.insert(0, 'broken'); from selfspec_core.__main__ import main; main()"
    )
    done = selfspec(*flags.split(), "--name", "b", python=("-c", code))
    assert done.returncode == 0 and "Results on finance" in done.stdout
    assert "no report: no figures today; `selfspec report b` tries again" in done.stderr
    assert "Traceback" not in done.stderr


def test_resume_draws_the_page_that_a_kill_after_the_end_left_out(run_folder):
    manifest = run_folder / "manifest.json"
    finished = {**json.loads(manifest.read_text()), "state": "finished"}
    manifest.write_text(json.dumps(finished))
    result = CliRunner().invoke(cli, ["resume", "demo"])
    assert result.exit_code == 0 and "is finished" in result.stderr
    assert (run_folder / "report.html").exists()


@pytest.mark.parametrize("command", ["show", "report"])
@pytest.mark.parametrize("odd", [None, {}, [], "9", {"score": {}}])
def test_scores_that_selfspec_never_wrote_are_damage(run_folder, command, odd):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    first = next(iter(scores["sets"].values()))
    first["systems"] = dict.fromkeys(first["systems"], odd)
    file.write_text(json.dumps(scores))
    result = CliRunner().invoke(cli, [command, "demo"])
    assert str(result.exception).startswith("runs/demo: damaged: not as selfspec writes it (")


@pytest.mark.parametrize("command", ["show", "report", "resume"])
def test_the_name_of_a_folder_or_a_set_does_nothing_to_a_terminal(run_folder, command):
    file = run_folder / "round-1/scores.json"
    scores = json.loads(file.read_text())
    scores["sets"]["set \x1b[31m"] = next(iter(scores["sets"].values()))
    file.write_text(json.dumps(scores))
    manifest = json.loads((run_folder / "manifest.json").read_text()) | {"state": "finished"}
    (run_folder / "manifest.json").write_text(json.dumps(manifest))
    run_folder.rename(run_folder.with_name("of \x1b[31manother"))
    result = CliRunner().invoke(cli, [command, "latest"], color=True)
    assert result.exit_code == 0 and "[31m" in result.output and "\x1b" not in result.output
