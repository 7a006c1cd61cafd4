"""What a server answered is on disk before it is used, or the disk says why it is not."""

from __future__ import annotations

import resource

import pytest

from selfspec_plugins.served.journal import FILE, Journal


def test_an_answer_that_the_disk_takes_half_of_is_an_error(tmp_path):
    journal = Journal(tmp_path)
    journal.put("before", "kept")
    size = (tmp_path / FILE).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(OSError):
            journal.put("after", "longer than what there is room for")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    again = Journal(tmp_path)
    assert "before" in again and "after" not in again
    again.put("after", "kept, too")
    assert Journal(tmp_path)["after"] == "kept, too"
