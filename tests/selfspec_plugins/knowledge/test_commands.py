"""The command line: add, search, list; and a run that answers from files."""

import json
import lzma

import pytest
from click.testing import CliRunner
from knowledge_files import lines, seed

from selfspec_core.cli.main import selfspec as cli
from selfspec_core.errors import SelfspecError
from selfspec_plugins.knowledge.files import MEGABYTE

NOT_READ = ("missing.txt", "bad.txt", "empty.txt")


def called(*arguments):
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert result.exception is None, result.exception
    return result.stdout


def refused(*arguments):
    error = CliRunner().invoke(cli, [str(argument) for argument in arguments]).exception
    assert isinstance(error, SelfspecError)
    return error


def listed():
    return json.loads(called("knowledge", "list", "chemistry", "--json"))


def test_a_bad_file_keeps_no_other_out(chemistry, files):
    (files / "bad.txt").write_bytes(b"\0\0")
    (files / "empty.txt").touch()
    result = CliRunner().invoke(
        cli, ["knowledge", "add", "chemistry", str(files), str(files / "missing.txt")]
    )
    error = result.exception
    assert isinstance(error, SelfspecError) and error.exit_code == 1
    assert str(error).startswith(f"{files / 'missing.txt'}: no such file or folder (and 2 more")
    said = f"{result.stderr}{error}"
    assert [said.count(f"{files / name}: ") for name in NOT_READ] == [1, 1, 1]
    rows = listed()
    assert [row["path"].rpartition("/")[2] for row in rows] == [
        "passages.jsonl",
        "metals.md",
        "noble.txt",
    ]
    [row] = json.loads(called("knowledge", "search", "chemistry", "argon", "-k", "1", "--json"))
    assert row["source"] == str(files / "noble.txt")
    assert row["id"] and row["score"] > 0
    again = refused("knowledge", "add", "chemistry", files)
    assert "and 1 more" in str(again)


def test_a_file_of_another_type_in_a_folder_is_named(chemistry, files):
    (files / "assays.csv").write_text("x,y\n")
    result = CliRunner().invoke(cli, ["knowledge", "add", "chemistry", str(files)])
    assert result.exit_code == 0, result.stderr
    assert "passed over: 1 of another type (assays.csv); read: txt, md" in result.stderr


def test_settings_are_those_of_a_run(chemistry, files):
    key = "components.knowledge.max_mb"
    assert "'max_mb'" in str(refused("knowledge", "list", "chemistry", "--set", f"{key}=0"))
    wrong = refused("knowledge", "list", "chemistry", "--set", "components.knowledge.model=x")
    assert "unknown setting 'model'" in str(wrong)
    missing = str(refused("knowledge", "list", "chemisty"))
    assert missing.startswith("DOMAIN chemisty: no such domain; did you mean 'chemistry'")


def test_a_score_is_shown_as_one_of_rank(chemistry):
    first = called("knowledge", "search", "chemistry", "what accepts protons").splitlines()[0]
    assert first.startswith("1. chem-2  Clark  (rank score ")


def test_a_packed_file_has_no_more_in_it_than_the_limit(chemistry, tmp_path):
    path = tmp_path / "rows.jsonl.xz"
    path.write_bytes(lzma.compress(b" " * (MEGABYTE + 1)))
    error = refused("knowledge", "add", "chemistry", path, "--set", "components.knowledge.max_mb=1")
    assert str(error).startswith(f"{path}: unpacks to more than 1 MB")
    assert [row["state"] for row in listed()] == ["shipped"]


@pytest.mark.parametrize("where", ["../files", "../here/../files", "../link", "../link/noble.txt"])
def test_what_was_added_by_a_name_is_removed_by_it(chemistry, files, monkeypatch, where):
    (files.parent / "link").symlink_to(files)
    (files.parent / "here").mkdir()
    monkeypatch.chdir(files.parent / "here")
    called("knowledge", "add", "chemistry", where)
    assert len(listed()) > 1
    called("knowledge", "remove", "chemistry", where)
    assert [row["state"] for row in listed()] == ["shipped"]
    assert "../link: is not in the index" in str(
        refused("knowledge", "remove", "chemistry", "../link")
    )


@pytest.fixture
def request_of_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seeds = [seed(n, "Name the gas.", word) for n, word in enumerate(("argon", "neon", "xenon"))]
    item = {"id": "i-1", "task": "terms", "kind": "open_qa", "instruction": "Name the metal."}
    item |= {"input": "It conducts heat.", "output": ["copper"], "metric": "token_f1"}
    proposal = {"instruction": "Name a noble gas.", "output": "argon"}
    texts = ["Which one fills bulbs?", "Which of them lights signs?", "Which hardly reacts at all?"]
    (tmp_path / "seeds.jsonl").write_text(lines(seeds))
    (tmp_path / "items.jsonl").write_text(lines([item]))
    (tmp_path / "script.jsonl").write_text(lines({**proposal, "input": text} for text in texts))
    flags = "model.path=script.jsonl data.size=2 propose.batch=4 evaluation.shots=0".split()
    sets = [part for flag in flags for part in ("--set", flag)]
    base = ["run", "--seeds", "seeds.jsonl", "--benchmark", "items.jsonl", "--model", "scripted"]
    return [*base, *sets]


def test_a_run_answers_from_files_and_records_the_passages(request_of_a_run, files, monkeypatch):
    called(*request_of_a_run, "--knowledge", files, "--name", "first")
    with open("runs/first/round-1/examples.jsonl") as file:
        examples = [json.loads(line) for line in file]
    assert len(examples) == 2
    assert all(len(set(row["passages"])) == 2 for row in examples)  # all there are, of k = 3
    with open("runs/first/manifest.json") as file:
        assert len(json.load(file)["conditions"]["knowledge"]) == 16
    called(*request_of_a_run, "--name", "none")
    with open("runs/none/round-1/examples.jsonl") as file:
        assert not any("passages" in json.loads(line) for line in file)


@pytest.mark.parametrize(("data", "why"), [(b"\0\0", "not UTF-8 text"), (b"", "is empty")])
def test_a_file_that_cannot_be_read_ends_the_run_before_it_begins(
    request_of_a_run, files, data, why
):
    (files / "bad.txt").write_bytes(data)
    error = refused(*request_of_a_run, "--knowledge", files, "--name", "first")
    assert error.exit_code == 2
    assert str(error).startswith(f"--knowledge {files / 'bad.txt'}: {why}")
    assert not (files.parent / "runs/first").exists()
