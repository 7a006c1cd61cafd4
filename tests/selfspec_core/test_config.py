from pathlib import Path

import pytest

from selfspec_core.assembly.resolve import merge, parse_flag, read_toml, resolve
from selfspec_core.config import Settings
from selfspec_core.errors import UsageError
from selfspec_core.plugins import PluginHost


def test_defaults_are_the_papers():
    settings = resolve([("defaults", {})])
    assert settings.data.size == 5000
    assert (settings.training.epochs, settings.training.lr) == (3.0, 3e-4)
    assert settings.propose.demonstrations == 3


def test_later_sources_win_key_by_key():
    recipe = {"data": {"size": 480, "short_seeds": True}}
    settings = resolve([("recipe", recipe), ("--set", {"data": {"size": 7}})])
    assert (settings.data.size, settings.data.short_seeds) == (7, True)


@pytest.mark.parametrize(
    ("flag", "table"),
    [
        ("data.size=200", {"data": {"size": 200}}),
        ("training.lr=3e-3", {"training": {"lr": 0.003}}),
        ("model.name=nano", {"model": {"name": "nano"}}),
        ("model.path=/a b/c=d", {"model": {"path": "/a b/c=d"}}),
        ('filters.order=["novelty"]', {"filters": {"order": ["novelty"]}}),
        ("propose.preface=", {"propose": {"preface": ""}}),
        ("random_seed = 3", {"random_seed": 3}),
        ("data.size=24\nx=1", {"data": {"size": "24\nx=1"}}),
    ],
)
def test_flags_are_read_as_toml_or_as_text(flag, table):
    assert parse_flag(flag) == table


@pytest.mark.parametrize("flag", ["data.size", "=3", " = 3"])
def test_a_flag_without_key_or_value_says_what_was_expected(flag):
    with pytest.raises(UsageError, match="expected KEY=VALUE, for example"):
        parse_flag(flag)


def test_a_flag_nested_beyond_reading_is_refused():
    with pytest.raises(UsageError, match="--set data.size: the value is nested too deeply"):
        parse_flag("data.size=" + "[" * 9999)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"data": {"sise": 3}},
            r"x\.toml: unknown setting 'data\.sise'; did you mean 'data\.size'\?",
        ),
        ({"dta": {"size": 3}}, r"x\.toml: unknown setting 'dta'; did you mean 'data'\?"),
        ({"data": {"size": -1}}, r"x\.toml: 'data\.size' = -1: .*greater than or equal to 0"),
        ({"data": {"size": "many"}}, r"x\.toml: 'data\.size' = 'many': .*valid integer"),
        ({"model": {"dtype": "float8"}}, r"x\.toml: 'model\.dtype' = 'float8': .*'bfloat16'"),
        ({"answer": 3}, r"x\.toml: 'answer' = 3: it is a table; .*answer\.generator"),
        (
            {"evaluation": {"controls": ["seed-only"]}},
            r"x\.toml: 'evaluation\.controls\.0' = 'seed-only': .*'seeds-only'",
        ),
        (
            {"evaluation": {"evaluators": []}},
            r"x\.toml: 'evaluation\.evaluators' = \[\]: .*at least 1",
        ),
        (
            {"evaluation": {"specialist_shots": [1, 5, 1]}},
            r"x\.toml: 'evaluation\.specialist_shots' = \[1, 5, 1\]: 1 is given twice$",
        ),
    ],
)
def test_a_wrong_setting_names_source_key_and_what_is_right(table, message):
    with pytest.raises(UsageError, match=message) as caught:
        resolve([("x.toml", table)])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("data.size=true", "'data.size' = True: input should be a number"),
        ("random_seed=false", "'random_seed' = False: input should be a number"),
        ("training.lr=true", "'training.lr' = True: input should be a number"),
        ('data.size="12"', "'data.size' = '12': input should be a number"),
        ("data.seeds=1", "'data.seeds' = 1: input should be true or false"),
        ("data.seeds=yes", "'data.seeds' = 'yes': input should be true or false"),
    ],
)
def test_a_value_of_another_sort_is_not_converted(flag, message):
    with pytest.raises(UsageError) as caught:
        resolve([("--set", parse_flag(flag))])
    assert str(caught.value) == f"--set: {message}"


def test_a_hub_id_may_name_its_revision():
    def model(**table):
        found = resolve([("--set", {"model": table})]).model
        return found.name, found.revision

    assert model(name="meta/Llama@v1") == ("meta/Llama", "v1")
    assert model(name="meta/Llama@v1", revision="v1") == ("meta/Llama", "v1")
    assert model(name="meta/Llama", revision="v1") == ("meta/Llama", "v1")
    assert model(name="odd@name") == ("odd@name", None)
    with pytest.raises(UsageError, match="^--set: 'model' = .*: revision says another than name$"):
        model(name="meta/Llama@v1", revision="v2")


def test_whole_numbers_may_be_written_as_powers_of_ten():
    assert resolve([("--set", parse_flag("data.size=1e3"))]).data.size == 1000


def test_a_components_own_settings_are_as_strict():
    host = PluginHost()
    host.load_defaults()
    with pytest.raises(UsageError) as caught:
        host.build("filters", "length", {"min_input_words": True})
    message = "filters.length: 'min_input_words' = True: input should be a number"
    assert str(caught.value) == message


def test_the_source_at_fault_is_named():
    with pytest.raises(UsageError, match=r"^--set: unknown setting"):
        resolve([("x.toml", {"data": {"size": 3}}), ("--set", {"data": {"sise": 3}})])


def test_filters_keep_their_own_tables():
    settings = resolve([("x", {"filters": {"length": {"most": 40}}})])
    assert settings.filters.of("length") == {"most": 40}
    assert settings.filters.of("novelty") == {}


def test_merging_changes_neither_side():
    base, over = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merge(base, over) == {"a": {"b": 1, "c": 2}}
    assert (base, over) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_settings_survive_a_manifest():
    settings = resolve([("x", {"data": {"size": 7}, "filters": {"length": {"most": 40}}})])
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_every_setting_table_refuses_unknown_keys():
    for name, field in Settings.model_fields.items():
        if hasattr(field.annotation, "model_fields") and name not in ("filters", "components"):
            with pytest.raises(UsageError, match="unknown setting"):
                resolve([("x", {name: {"no_such_key": 1}})])


def test_a_broken_file_names_file_and_place(tmp_path):
    file = tmp_path / "recipe.toml"
    file.write_text("[data]\nsize = = 3\n")
    with pytest.raises(UsageError, match=r"recipe\.toml: not valid TOML: .*line 2"):
        read_toml(file)
    with pytest.raises(UsageError, match=r"missing\.toml: no such file"):
        read_toml(Path("missing.toml"))
    with pytest.raises(UsageError, match="directory"):
        read_toml(tmp_path)
