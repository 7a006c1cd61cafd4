import shlex
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.assembly.resolve import merge, parse_flag
from selfspec_core.report.words import command, markdown, shown
from selfspec_core.similarity.text import unprintable


@given(st.text(), st.integers(1, 60))
def test_shown_text_is_one_short_line_that_nothing_acts_on(text, most):
    found = shown(text, most)
    assert len(found) <= most + 1
    assert not unprintable(found) and "\n" not in found


@given(st.text("ab \n", max_size=60))
def test_short_text_is_shown_whole(text):
    assert shown(text, 60) == " ".join(text.split())


@given(st.text())
def test_markdown_has_no_live_markup(text):
    found = markdown(text, 400)
    assert "<" not in found and "\n" not in found
    assert all(found[i - 1] == "\\" for i, c in enumerate(found) if c in "|*_[]`")


VALUES = st.recursive(
    st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(VALUES)
def test_the_command_sets_what_was_set(value):
    line = command({"domain": "finance", "recipe": "quick", "set": [{"a": {"b": value}}]})
    *head, flag = shlex.split(line)
    assert head == ["selfspec", "run", "--domain", "finance", "--set"]
    try:
        assert parse_flag(flag) == {"a": {"b": value}}
    except tomllib.TOMLDecodeError:
        pytest.fail(flag)


def test_the_command_names_files_and_recipe():
    request = {
        "domain": None, "recipe": "full", "model": "a/b", "seeds": "my seeds.jsonl",
        "benchmarks": ["hf:x/y", "t.jsonl"], "knowledge": ["docs"],
        "set": [{"data": {"size": 9}}, {"rounds": {"max": 2}}],
    }  # fmt: skip
    assert command(request) == (
        "selfspec run --recipe full --model a/b --seeds 'my seeds.jsonl' --set data.size=9 "
        "--set rounds.max=2 --benchmark hf:x/y --benchmark t.jsonl --knowledge docs"
    )
    assert merge({}, {}) == {}
