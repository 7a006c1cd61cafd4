import re

import pytest

from selfspec_core.cli.naming import LONGEST, check_name, made_up
from selfspec_core.errors import UsageError


@pytest.mark.parametrize(
    "name", ["finance-2", "my run", "Ångström √2", "金融", "می‌خواهم", "a..b", "x" * LONGEST, "con1"]
)
def test_ordinary_names_are_taken(name):
    check_name(name)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("latest", "stands for the newest run"),
        ("..", "begins with '.'"),
        (".hidden", "begins with '.'"),
        ("-rf", "begins with '-'"),
        ("end.", "ends with '.'"),
        ("end ", "ends with ' '"),
        ("a/b", "holds /"),
        ("../../x", "begins with '.'"),
        ("a\\b:c", "holds : \\"),
        ("a\tb", "holds a control character"),
        ("a\x1b[2Jb", "holds a control character"),
        ("a\u202eb", "holds a control character, or one that is not text (U+202E)"),
        ("a\u2028b", "holds a control character, or one that is not text (U+2028)"),
        ("a\udcffb", "holds a control character, or one that is not text"),
        ("CON", "device on Windows"),
        ("lpt1.old", "device on Windows"),
        ("x" * (LONGEST + 1), "has 201 bytes, of at most 200"),
        ("é" * 101, "has 202 bytes, of at most 200"),
    ],
)
def test_odd_names_are_one_clear_line(name, wrong):
    with pytest.raises(UsageError) as caught:
        check_name(name)
    line = str(caught.value)
    assert line.startswith("--name ") and wrong in line and line.isprintable() and len(line) < 160
    assert line.endswith("; expected a plain folder name, as in finance-2")


@pytest.mark.parametrize("stem", ["finance", "-my seeds!", "..", "a/b\x1b", "con", "ü" * 300, ""])
def test_a_name_that_is_made_up_is_fine(stem):
    name = made_up(stem)
    check_name(name)
    assert re.search(r"-\d{8}-\d{6}$", name)


def test_a_wrong_name_ends_a_run_before_anything_is_written(selfspec, tmp_path):
    done = selfspec("run", "--domain", "finance", "--model", "scripted", "--name", "a/b")
    wrong = "holds /; expected a plain folder name, as in finance-2"
    assert (done.returncode, done.stderr) == (2, f"Error: --name a/b: {wrong}\n")
    assert not list(tmp_path.iterdir())
