import ast
import json
import tomllib

import pytest

from selfspec_core.errors import UsageError
from selfspec_core.scaffold import rendered, write_package
from selfspec_core.sources import DOMAIN_GROUP


def test_names_are_written_as_each_place_wants_them():
    files = rendered("real_estate")
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == "selfspec-real-estate"
    assert project["entry-points"][DOMAIN_GROUP] == {"real_estate": "selfspec_real_estate"}
    assert "class RealEstate(PackagedDomain)" in files["selfspec_real_estate/__init__.py"]
    assert 'title = "Real estate"' in files["selfspec_real_estate/__init__.py"]
    assert not [path for path, text in files.items() if "{{" in text + path or ".jinja" in path]


def test_every_file_is_of_its_format():
    for path, text in rendered("chemistry").items():
        if path.endswith(".py"):
            ast.parse(text)
        elif path.endswith(".toml"):
            assert tomllib.loads(text)
        elif path.endswith(".jsonl"):
            assert all(json.loads(line) for line in text.splitlines())


def test_twelve_seeds_over_two_tasks():
    lines = rendered("chemistry")["selfspec_chemistry/seeds.jsonl"].splitlines()
    tasks = [json.loads(line)["task"] for line in lines]
    assert {task: tasks.count(task) for task in tasks} == {"hazard": 6, "reading": 6}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Chemistry", "did you mean 'chemistry'"),
        ("real-estate", "did you mean 'real_estate'"),
        ("selfspec-chemistry", "did you mean 'chemistry'"),
        ("selfspec_chemistry", "did you mean 'chemistry'"),
        ("", "a letter first"),
        ("9", "a letter first"),
        ("../elsewhere", "did you mean 'elsewhere'"),
        ("a\nb", "did you mean 'a_b'"),
        ("x" * 41, "up to 40"),
        ("core", "selfspec_core is a part of selfspec"),
        ("nano", "selfspec_nano is a part of selfspec"),
    ],
)
def test_bad_names_write_nothing(tmp_path, name, message):
    with pytest.raises(UsageError, match=message) as caught:
        write_package(name, tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_an_installed_domain_is_taken(site, tmp_path):
    site.add("selfspec-lab", DOMAIN_GROUP, "chemistry", "some_pack", "", "2.0")
    with pytest.raises(UsageError, match="selfspec-lab 2.0 provides a domain of that name"):
        write_package("chemistry", tmp_path)


def test_what_is_there_stays_as_it_is(tmp_path):
    there = tmp_path / "selfspec-chemistry"
    there.mkdir()
    (there / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write_package("chemistry", tmp_path)
    assert [file.name for file in there.iterdir()] == ["mine.txt"]


def test_into_a_new_folder_and_not_into_a_file(tmp_path):
    assert (write_package("chemistry", tmp_path / "new/place") / "pyproject.toml").is_file()
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="expected a folder"):
        write_package("chemistry", tmp_path / "file")
