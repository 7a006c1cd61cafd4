"""Tests of what collecting does to the process it runs in."""

import gc

import pytest

from selfspec_core.stages.collect import _uncollected


@pytest.mark.parametrize("on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(on):
    frozen = gc.get_freeze_count()
    (gc.enable if on else gc.disable)()
    try:
        with pytest.raises(KeyError), _uncollected():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == on
        assert gc.get_freeze_count() == frozen  # what is frozen is never freed
    finally:
        gc.enable()
