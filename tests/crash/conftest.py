import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import crash_tools  # noqa: E402 (found by the line above)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Everything is imported; a folder for the path that has the small domain."""
    return crash_tools.prepare(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="session")
def uninterrupted(site, tmp_path_factory):
    """(what a run that nobody stopped leaves, seconds of processor time it took)."""
    place = crash_tools.Place(tmp_path_factory.mktemp("whole"), site)
    ended = place.call(*crash_tools.RUN, place.name)
    assert ended.code == 0, ended.said
    return crash_tools.fingerprint(place.run), ended.seconds


@pytest.fixture
def whole(uninterrupted):
    return uninterrupted[0]


@pytest.fixture
def place(site, tmp_path):
    return crash_tools.Place(tmp_path / "place", site)
