"""Where two runs depart: the first line of a journal, and the field in it."""

import pytest

from selfspec_core.reproducing import files_compared


@pytest.mark.parametrize(
    ("mine", "theirs", "field"),
    [
        ('{"a": 1, "b": {"c": [2], "d": 3}}', '{"a": 1, "b": {"c": [3], "d": 4}}', "b.c"),
        ('{"a": 1}', '{"a": 1, "b": 2}', "b"),
        ('{"a": null}', "{}", "a"),
        ('{"a": 1}', '{"a": 1.0}', ""),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', ""),
        ('{"a": 1}', "[" * 100_000, ""),
    ],
)
def test_whatever_differs_is_shown(tmp_path, mine, theirs, field):
    for name, line in (("one", mine), ("two", theirs)):
        (tmp_path / name / "round-1").mkdir(parents=True)
        (tmp_path / name / "round-1/examples.jsonl").write_text(f"{{}}\n{line}\n")
    first = files_compared(tmp_path / "one", tmp_path / "two")["first"]
    assert (first["file"], first["line"]) == ("round-1/examples.jsonl", 2)
    assert first["field"] == field
    assert field or (first["before"], first["again"]) == (mine, theirs)
