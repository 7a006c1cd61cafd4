"""A few dev items with what base and specialist said: never a test item, never markup."""

import json

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.errors import UsageError
from selfspec_core.journals import RoundFolder
from selfspec_core.progress import Silent
from selfspec_core.report.answers import EACH, FILE, answers
from selfspec_core.report.page import render

HOSTILE = ("<script>alert(1)</script>", "\x1b[31mred", "\u202egnp.exe", "{{ 7 * 7 }}")


@pytest.fixture
def sets():
    return assemble(Request("finance", model="scripted"), Silent()).parts.sets


def test_each_task_shows_dev_items_with_both_answers(finance_run, sets):
    folder = finance_run / "round-1"
    rows = json.loads((folder / FILE).read_text())
    tasks = {item.task for item in sets[0].items}
    assert {row["task"]: sum(one["task"] == row["task"] for one in rows) for row in rows} == (
        dict.fromkeys(tasks, EACH)
    )
    texts = {(item.instruction, item.input): item for item in sets[0].items if item.split == "dev"}
    said = list(RoundFolder(folder, write=False).read("predictions"))
    best = json.loads((folder / "scores.json").read_text())["layouts"]["best"]
    for row in rows:
        item = texts[row["instruction"], row["input"]]  # none of the test items
        for system, key in ((f"base[{best}]", "base"), ("specialized@0", "specialist")):
            found = (one for one in said if (one["system"], one["item"]) == (system, item.id))
            assert next(found)["text"] == row[key]


def test_what_they_hold_is_text_and_short(finance_run, tmp_path):
    from selfspec_core.cli.show import summarize
    from selfspec_core.report.content import content

    row = dict.fromkeys(("task", "instruction", "input", "expected", "base", "specialist"), "")
    rows = [row | {"base": text, "input": text + "A" * 9999} for text in HOSTILE]
    (tmp_path / FILE).write_text(json.dumps(rows))
    found = content(finance_run, summarize(finance_run)) | {"answers": answers(tmp_path)}
    page = render(found)
    assert "<script>alert(1)" not in page and "&lt;script&gt;alert(1)" in page
    assert "A" * 500 not in page and "\x1b" not in page and "\u202e" not in page


def test_a_run_without_them_shows_none_and_a_damaged_file_is_named(tmp_path):
    assert answers(tmp_path) == []
    for damaged in ('{"a": 1}', '[{"task": "a"}]', "[1]", "{", "\xff"):
        (tmp_path / FILE).write_bytes(damaged.encode("latin-1"))
        with pytest.raises(UsageError, match=rf"{FILE}: damaged"):
            answers(tmp_path)


def test_what_was_lost_elsewhere_is_on_the_page(finance_run):
    from selfspec_core.cli.show import summarize
    from selfspec_core.report.content import content

    summary = summarize(finance_run)
    [one] = summary["rounds"]
    lost = {"mean": -0.1, "low": -0.2, "high": -0.05, "n": 84, "sizes": {"x": 84}}
    both = {"systems": {"base-best@0": 0.3, "specialized@0": 0.2}}
    one |= {"collateral": {"general <b>": {"test": lost | both}}, "collateral_limit": 0.07}
    page = render(content(finance_run, summary))
    assert "general &lt;b&gt;" in page and "−0.100" in page and ">no clear loss<" in page
    one["collateral_limit"] = 0.01
    assert ">worse<" in render(content(finance_run, summary))
