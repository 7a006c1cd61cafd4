import json
import tomllib


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


def test_a_component_s_own_settings_stand_in_its_table(selfspec):
    flag = "components.answers.anything=3"
    done = selfspec("settings", "--set", flag)
    assert "\n[components.answers]\nanything = 3\n" in done.stdout


def test_a_wrong_setting_is_one_line(selfspec):
    done = selfspec("settings", "--set", "model=scripted")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: --set: 'model' is a table: set one of its keys"
        " (model.name, model.path, model.revision ...)\n"
    )
