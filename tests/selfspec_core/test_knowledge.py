"""`--knowledge`: what leads to nothing is refused at once, and each problem is said once."""

from __future__ import annotations

import pytest

from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.knowledge import check_paths, take_in
from selfspec_core.progress import Silent
from selfspec_core.types import Indexed


def test_a_path_that_leads_to_no_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"^--knowledge \S+/nope: no such file or folder$"):
        check_paths([str(tmp_path / "nope")])
    (tmp_path / "empty/inner").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"^--knowledge \S+/empty: holds no file$"):
        check_paths([str(tmp_path / "empty")])
    (tmp_path / "empty/inner/a.txt").touch()
    check_paths([str(tmp_path / "empty")])


class Heard(Silent):
    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


class Retriever:
    """Fails on whatever it is given, and returns why, as one that takes files does."""

    def add(self, paths, progress, folder=None):
        progress.say("two files of an odd sort")
        assert progress.lines == ["two files of an odd sort"]  # shown while it lasts
        return [Indexed(str(path), "failed", problem=f"{path}: is odd") for path in paths]


def test_each_problem_is_said_once(tmp_path):
    heard = Heard()
    with pytest.raises(UsageError) as error:
        take_in(Retriever(), ["a", "b", "b"], tmp_path, heard)
    assert str(error.value) == "--knowledge a: is odd (and 2 more, each in a line above)"
    assert heard.lines == ["two files of an odd sort", "b: is odd", "b: is odd"]


def test_one_problem_is_the_error_alone(tmp_path):
    heard = Heard()
    with pytest.raises(UsageError, match="^--knowledge a: is odd$"):
        take_in(Retriever(), ["a"], tmp_path, heard)
    assert heard.lines == ["two files of an odd sort"]


def test_what_was_said_before_all_failed_is_not_lost(tmp_path):
    class Broken(Retriever):
        def add(self, paths, progress, folder=None):
            super().add(paths, progress)
            raise SelfspecError("no room on the disk")

    heard = Heard()
    with pytest.raises(SelfspecError, match="no room"):
        take_in(Broken(), ["a"], tmp_path, heard)
    assert heard.lines == ["two files of an odd sort"]
