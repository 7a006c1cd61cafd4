"""domains/README.md is followed to the letter: its commands run, its lines go into its files."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from selfspec_core.checks import RULES, opened
from selfspec_core.checks.data import LEAST, RECOMMENDED
from selfspec_core.scaffold import rendered

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "domains/README.md").read_text(encoding="utf-8")
TUTORIAL = TEXT.partition("## Add one in ten minutes\n")[2].partition("\n## ")[0]
BLOCK = re.compile(r"(?P<before>[^\n]*\n?[^\n]*)\n\n```(?P<kind>\w*)\n(?P<text>.*?)```", re.DOTALL)


def blocks():
    """Returns (kind, file that the sentence before it names or None, text) of each block."""
    return [
        (m["kind"], next(iter(re.findall(r"`(selfspec-[\w./-]+)`", m["before"])), None), m["text"])
        for m in BLOCK.finditer(TUTORIAL)
    ]


@pytest.mark.timeout(1800)
def test_the_tutorial_works_as_written(place):
    """Slow tests follow it in a fresh environment with the light install: the author's route."""
    for kind, file, text in blocks():
        if kind == "sh":
            for line in text.splitlines():
                follow(place, line)
        elif kind in ("json", "python", "toml"):
            with (place.folder / file).open("a", encoding="utf-8") as opened_file:
                opened_file.write(f"\n{text}")
    with opened(place.folder / "selfspec-chemistry") as package:
        assert len(package.seeds) == 13
        assert package.host.has("filters", "no_bare_number")


def follow(place, line):
    command, *words = shlex.split(line)
    if command == "pip":
        place.pip(*words)
        return
    done = place.python(*words) if command == "python" else place.selfspec(*words)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    if "run" in words:
        assert "specialized@0" in done.stdout


def test_without_a_package(tmp_path, on_the_path):
    [line] = re.findall(r"^selfspec run --seeds .*$", TEXT, re.MULTILINE)
    files = rendered("mine")
    (tmp_path / "mine.jsonl").write_text(files["selfspec_mine/seeds.jsonl"])
    items = [json.loads(row) for row in files["selfspec_mine/tasks/reading.jsonl"].splitlines()]
    rows = [{**item, "kind": "extractive_qa", "metric": "token_f1"} for item in items]
    (tmp_path / "test.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/frost.md").write_text("# Frost\n\nBridges freeze before roads do.\n")
    few = "--model scripted --set data.size=16 --name own".split()
    done = on_the_path.selfspec(*shlex.split(line)[1:], *few)
    assert done.returncode == 0, done.stderr
    assert "Results on benchmark test" in done.stdout
    examples = (tmp_path / "runs/own/round-1/examples.jsonl").read_text().splitlines()
    assert all(json.loads(row)["passages"] for row in examples)


def test_the_tree_is_what_new_writes():
    [tree] = [text for kind, _, text in blocks() if not kind]
    root, *lines = tree.splitlines()
    paths, folder = set(), ""
    for line in lines:
        name = line.split()[0]
        if name.endswith("/"):
            folder = name if line.startswith("  s") else folder
        else:
            paths.add(folder + name if line.startswith("    ") else name)
    assert root == "selfspec-chemistry/"
    assert paths == set(rendered("chemistry"))


def test_the_table_of_rules_is_up_to_date():
    rules = TEXT[TEXT.index("## The rules") :]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", rules, re.MULTILINE)
    assert rows == [(rule.name, rule.about) for rule in RULES]


def test_the_counts_are_up_to_date():
    text = " ".join(TEXT.split())
    least = (
        "at least {seeds} seeds and {seeds of a task} a task, {tasks} tasks, {dev items} dev items "
        "in all and {test items of a task} test items a task"
    )
    wanted = (
        "{seeds} seeds, {tasks} tasks, {items} items, {dev items} of them dev, "
        "{test items of a task} test items a task and {passages} passages"
    )
    assert least.format(**LEAST) in text
    assert wanted.format(**RECOMMENDED) in text


def test_the_suite_of_three_lines_is_that_of_new():
    suite = TEXT.rpartition("```python\n")[2].partition("```")[0]
    written = rendered("chemistry")["tests/test_domain.py"]
    assert suite.split() == written.split()


def test_the_table_of_domains_is_up_to_date():
    rows = re.findall(r"^\| (\w+) \| \[.*\]\((\w+)\) \| (.*) \|$", TEXT, re.MULTILINE)
    folders = sorted(path.parent.name for path in ROOT.glob("domains/*/pyproject.toml"))
    assert [name for name, _, _ in rows] == folders
    for name, folder, counts in rows:
        with opened(ROOT / "domains" / folder) as package:
            found = (package.tasks, package.seeds, package.items, package.passages)
            assert counts == " | ".join(str(len(each)) for each in found), name
