"""Libraries report nothing to their makers, unless the user wants it."""

import os
import sys
from types import SimpleNamespace

import pytest

from selfspec_core.cli.main import main
from selfspec_core.privacy import no_telemetry

QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ANONYMIZED_TELEMETRY": "False",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@pytest.fixture
def unset(monkeypatch):
    for name in QUIET:
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


def test_every_command_switches_telemetry_off(unset):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert {name: os.environ.get(name) for name in QUIET} == QUIET


@pytest.mark.parametrize(("said", "off"), [(None, True), ("0", False)])
def test_what_the_user_says_holds_and_a_library_that_is_there_already_is_told(
    unset, monkeypatch, said, off
):
    hub = SimpleNamespace(HF_HUB_DISABLE_TELEMETRY=False)
    monkeypatch.setitem(sys.modules, "huggingface_hub.constants", hub)
    if said is not None:
        monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", said)
    no_telemetry()
    assert hub.HF_HUB_DISABLE_TELEMETRY is off
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == (said or "1")
