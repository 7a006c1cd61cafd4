"""`--knowledge`: what leads to nothing is refused at once, and each problem is said once."""

from __future__ import annotations

import pytest

from selfspec_core.errors import UsageError
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
    """Fails on whatever it is given, and says so, as one that takes files does."""

    def add(self, paths, progress, folder=None):
        progress.say("two files of an odd sort")
        rows = [Indexed(str(path), "failed", problem=f"{path}: is odd") for path in paths]
        for row in rows:
            progress.say(row.problem)
        return rows


def test_each_problem_is_said_once(tmp_path):
    heard = Heard()
    with pytest.raises(UsageError) as error:
        take_in(Retriever(), ["a", "b"], tmp_path, heard)
    assert str(error.value) == "--knowledge a: is odd, and 1 more, named above"
    assert heard.lines == ["two files of an odd sort", "b: is odd"]
