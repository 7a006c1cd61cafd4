import json
import sys

import pytest

from selfspec_core.errors import UsageError
from selfspec_core.packages import (
    PackagedDomain,
    PackagedSeeds,
    load_tasks,
    package_file,
    seeds_from_file,
)

SEED = {
    "id": "a-1",
    "task": "tone",
    "kind": "classification",
    "instruction": "Name the tone.",
    "input": "Sales fell.",
    "output": "bad",
    "choices": ["good", "bad"],
    "source": "own",
    "licence": "CC0",
}


def line(**changes):
    row = {**SEED, **changes}
    return json.dumps({key: value for key, value in row.items() if value is not None})


@pytest.fixture
def seeds(tmp_path):
    """Reads the lines given as a seed file."""
    file = tmp_path / "seeds.jsonl"

    def read(*lines):
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return seeds_from_file(file)

    return read


def test_seeds_come_in_order_and_empty_lines_are_skipped(seeds):
    found = seeds(line(), "", line(id="a-2", input="", choices=["bad", "good"]))
    assert [seed.id for seed in found] == ["a-1", "a-2"]
    assert found[1].choices == ("bad", "good")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("{oops", "not valid JSON"),
        ("[1]", "expected a JSON object"),
        (line(output=None), "key 'output' is missing"),
        ('{"id": "a", "task": "t", "kind": "open_qa"}', "key 'instruction' is missing"),
        (line(input=3), "key 'input' must be a string, as in \"3\""),
        (line(instruction="  "), "key 'instruction' is empty"),
        (line(ouput="x"), "unknown key 'ouput'; did you mean 'output'?"),
        (
            line(kind="clasification"),
            "unknown kind 'clasification'; did you mean 'classification'?",
        ),
        (line(choices="good"), "key 'choices' must be a list of strings"),
        (line(choices=["good", 1]), "key 'choices' must be a list of strings"),
        (line(choices=["good", "bad", "good"]), "key 'choices': 'good' stands twice"),
        (line(choices=["good", "bad", "Bad"]), "key 'choices': 'Bad' stands twice"),
        (line(output="fair"), "output 'fair' is none of choices ['good', 'bad']"),
        (line(choices=None), "key 'choices' is missing"),
        (line(id="a-0"), "id 'a-0' is used twice"),
        (line(source=3), "key 'source' must be a string"),
    ],
)
def test_a_broken_line_names_file_line_and_key(seeds, broken, message):
    with pytest.raises(UsageError) as caught:
        seeds(line(id="a-0"), "", broken)
    assert "/seeds.jsonl:3: " in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_seeds_is_an_error(seeds):
    with pytest.raises(UsageError, match=r"seeds\.jsonl: holds no seed"):
        seeds("")


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.jsonl: no such file"):
        seeds_from_file(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="expected a file of JSON lines"):
        seeds_from_file(tmp_path)
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}\n')
    with pytest.raises(UsageError, match=r"latin\.jsonl: not UTF-8"):
        seeds_from_file(tmp_path / "latin.jsonl")


def test_a_line_separator_inside_a_string_ends_no_line(seeds):
    [seed] = seeds(line(input="one\u2028two").replace("\\u2028", "\u2028"))
    assert seed.input == "one\u2028two"


@pytest.fixture
def header(tmp_path, monkeypatch):
    """Loads a package of one task with the line given as its sixth, and `old` as `new`."""
    package = tmp_path / "pack_of_one"
    (package / "tasks").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "tasks/tone.jsonl").write_text(json.dumps({**SEED, "output": ["bad"]}) + "\n")
    monkeypatch.syspath_prepend(tmp_path)

    def load(sixth, old="", new=""):
        text = (
            'name = "tone"\nkind = "classification"\nmetric = "macro_f1"\ntitle = "Tone"\n'
            f'summary = "good or bad"\n{sixth}\n'
        )
        (package / "tasks/tone.toml").write_text(text.replace(old, new) if old else text)
        return load_tasks("pack_of_one")

    yield load
    sys.modules.pop("pack_of_one", None)


@pytest.mark.parametrize(
    ("sixth", "message"),
    [
        ('choices = ["good", "bad", "good"]', "key 'choices': 'good' stands twice"),
        ('"choices" = ["good", "bad", "BAD"]', "key 'choices': 'BAD' stands twice"),
        ('choices = "good"', "key 'choices' must be a list of strings"),
    ],
)
def test_a_header_with_broken_choices_names_file_and_line(header, sixth, message):
    with pytest.raises(UsageError) as caught:
        header(sixth)
    assert str(caught.value) == f"tasks/tone.toml:6: {message}"
    [task] = header('choices = ["good", "bad"]')
    assert task.choices == ("good", "bad")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("summary", "sumary", "unknown key 'sumary'; did you mean 'summary'?"),
        ('metric = "macro_f1"', "", "key 'metric' is missing"),
        ('"macro_f1"', "3", "key 'metric' must be a string"),
    ],
)
def test_a_header_with_a_key_amiss_names_it(header, old, new, message):
    with pytest.raises(UsageError) as caught:
        header("", old, new)
    assert str(caught.value) == f"tasks/tone.toml: {message}"


def test_a_table_of_seeds_is_told_what_seeds_are(tmp_path):
    (tmp_path / "mine.csv").write_text("question,answer\n")
    with pytest.raises(UsageError, match=r"mine\.csv: seeds are JSON objects, one a line, with"):
        seeds_from_file(tmp_path / "mine.csv")


def test_a_package_serves_seeds_tasks_and_recipes(tmp_path, monkeypatch):
    package = tmp_path / "pack_of_tests"
    (package / "tasks").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "seeds.jsonl").write_text(line() + "\n")
    (package / "domain.toml").write_text(
        "[recipe]\ndata = { size = 3, task_share = 0.5 }\n[recipes.quick]\ndata.size = 2\n"
    )
    (package / "tasks/tone.toml").write_text(
        'name = "tone"\nkind = "classification"\nmetric = "macro_f1"\ntitle = "Tone"\n'
        'summary = "good or bad"\nchoices = ["good", "bad"]\n'
    )
    item = {**SEED, "output": ["bad"], "split": "dev"}
    (package / "tasks/tone.jsonl").write_text(json.dumps(item) + "\n")
    monkeypatch.syspath_prepend(tmp_path)

    source = type("Own", (PackagedSeeds,), {"package": "pack_of_tests", "file": "seeds.jsonl"})
    assert [seed.id for seed in source().seeds()] == ["a-1"]
    domain = type("Own", (PackagedDomain,), {"package": "pack_of_tests"})()
    assert domain.recipe("quick") == {"data": {"size": 2, "task_share": 0.5}}
    assert domain.recipe("full") == {"data": {"size": 3, "task_share": 0.5}}
    [task] = domain.tasks()
    assert (task.name, task.choices, len(task.items)) == ("tone", ("good", "bad"), 1)
    assert (task.items[0].metric, task.items[0].split) == ("macro_f1", "dev")

    (package / "tasks/tone.jsonl").write_text(json.dumps({**item, "splti": "dev"}) + "\n")
    with pytest.raises(UsageError) as caught:
        domain.tasks()
    assert str(caught.value) == ("tasks/tone.jsonl:1: unknown key 'splti'; did you mean 'split'?")


def test_a_data_file_is_that_of_the_package_a_module_lies_in(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "pack_of_files").mkdir()
    (tmp_path / "pack_of_files/__init__.py").write_text("")
    (tmp_path / "pack_of_files/a.txt").write_text("here")
    (tmp_path / "lone_module.py").write_text("")
    (tmp_path / "broken_module.py").write_text("raise SystemExit")
    file = package_file("pack_of_files.plugin", "a.txt")
    assert file is not None and file.read_text() == "here"
    for module in ("pack_of_files", "lone_module", "broken_module", "no_such_module"):
        assert package_file(module, "b.txt") is None
