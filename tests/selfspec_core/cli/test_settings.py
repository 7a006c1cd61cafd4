import json
import tomllib

import pytest


def test_what_is_printed_is_a_recipe(selfspec, tmp_path):
    asked = ("settings", "--domain", "finance", "--set", "data.size=77")
    printed = selfspec(*asked, "--set", "model.revision=main").stdout
    table = tomllib.loads(printed)
    assert table["data"] == {**table["data"], "size": 77, "short_seeds": True, "task_share": 0.2}
    assert table["filters"]["novelty"]["threshold"] == 0.7
    assert "# accepted examples to stop at" in printed
    (tmp_path / "mine.toml").write_text(printed)
    again = selfspec("settings", "--domain", "finance", "--recipe", "mine.toml")
    assert (again.returncode, again.stdout) == (0, printed)


def test_json_has_the_same_tables(selfspec):
    found = json.loads(selfspec("settings", "--recipe", "full", "--json").stdout)
    assert found["propose"]["generator"] == "label_first"
    assert found["random_seed"] == 0
    assert found["filters.length"]["min_instruction_words"] == 3
    assert "rounds" in found and "components" not in found


def test_whatever_a_setting_holds_is_written_so_that_it_is_read_back(selfspec, tmp_path):
    preface = 'A "quoted"\n\tline \U0001f600 \x7f\\'
    flags = (
        "--set",
        f"propose.preface={json.dumps(preface, ensure_ascii=False)}".replace("\x7f", "\\u007f"),
        "--set",
        'filters.order=["well_formed", "selfspec/novelty"]',
    )
    printed = selfspec("settings", *flags).stdout
    assert tomllib.loads(printed)["propose"]["preface"] == preface
    assert '[filters."selfspec/novelty"]' in printed
    (tmp_path / "mine.toml").write_text(printed)
    assert selfspec("settings", "--recipe", "mine.toml").stdout == printed


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("filters.noveltyy.threshold=0.3", "did you mean 'novelty'?"),
        ("components.nosuch.r=3", "unknown setting 'components.nosuch'"),
        ("propose.generator=nope", "no generator is called 'nope'"),
    ],
)
def test_what_a_run_refuses_is_refused(selfspec, flag, message):
    done = selfspec("settings", "--set", flag)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_wrong_setting_is_one_line(selfspec):
    done = selfspec("settings", "--set", "model=scripted")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: --set: 'model' = 'scripted': it is a table; set one of its keys"
        " (model.name, model.path, model.revision ...)\n"
    )
