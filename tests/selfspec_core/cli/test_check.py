"""`selfspec new` and `selfspec check`, from the command line."""

import json

import pytest

from selfspec_core.checks import RULES


@pytest.fixture
def package(selfspec, tmp_path):
    """`selfspec new chemistry` in an empty folder."""
    done = selfspec("new", "chemistry")
    assert done.returncode == 0, done.stderr
    return tmp_path / "selfspec-chemistry"


def test_new_quotes_the_folder_that_it_tells_to_install(selfspec, tmp_path):
    done = selfspec("new", "chemistry", "--into", "my; folder")
    assert "pip install -e './my; folder/selfspec-chemistry'\n" in done.stdout


def test_new_says_what_comes_next_and_check_prints_what_it_ran(selfspec, package):
    done = selfspec("check", "selfspec-chemistry")
    assert done.returncode == 0, done.stdout + done.stderr
    head, *lines, sum = done.stdout.splitlines()
    assert head == f"chemistry: selfspec-chemistry 0.1.0, {len(RULES)} rules"
    ran = [line.split()[:2] for line in lines if "recommended" not in line]
    assert ran == [["pass", rule.name] for rule in RULES]
    assert len([line for line in lines if "below what is recommended" in line]) == 1
    assert sum == f"{len(RULES)} passed, 0 failed, 0 skipped"


def test_check_as_json_and_exit_1_when_a_rule_fails(selfspec, package):
    seeds = package / "selfspec_chemistry/seeds.jsonl"
    seeds.write_text(seeds.read_text().replace("wind", "\x1b[31mwind"))
    done = selfspec("check", "selfspec-chemistry", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["name"], found["passed"]) == ("chemistry", False)
    verdicts = {row["rule"]: row["verdict"] for row in found["rules"]}
    assert list(verdicts) == [rule.name for rule in RULES]
    assert verdicts["seeds"] == "fail"
    assert verdicts["items_apart"] == "skipped"
    assert "\x1b" not in selfspec("check", "selfspec-chemistry").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "chemistri"], "chemistri: neither an installed domain nor a folder"),
        (["check", "."], "pyproject.toml: no such file; expected the folder of a domain package"),
        (["new", "Chemistry"], "did you mean 'chemistry'?"),
        (["new"], "Missing argument 'NAME'"),
    ],
)
def test_wrong_usage_is_one_line(selfspec, arguments, message):
    done = selfspec(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_new_twice_is_one_line(selfspec, package):
    done = selfspec("new", "chemistry")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "selfspec-chemistry: exists already" in done.stderr
