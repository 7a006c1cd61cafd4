"""Real weights, trained: killed at any instant and resumed, the same adapters to the byte."""

from __future__ import annotations

import resource
import signal
from collections import Counter

import pytest
from crash_tools import NANO, Place, chance, fingerprint, stopping, trials

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


@pytest.fixture(scope="module")
def nano(site, tmp_path_factory):
    """(what a run of nano that nobody stopped leaves, seconds of processor time it took)."""
    import peft  # noqa: F401 (so that a fork has them)
    import torch  # noqa: F401
    import transformers  # noqa: F401

    place = Place(tmp_path_factory.mktemp("nano"), site, asked=NANO)
    ended = place.call(*NANO, place.name)
    assert ended.code == 0, ended.said
    return fingerprint(place.run), ended.seconds


def test_nano_is_killed_at_random_instants(nano, site, tmp_path, capsys):
    whole, seconds = nano
    assert any(name.endswith("adapter_model.safetensors") for name in whole)
    place, dice, struck = Place(tmp_path, site, asked=NANO), chance("nano"), Counter()
    try:
        while struck.total() < trials(12):
            first = stopping(signal.SIGKILL, dice.uniform(0, seconds))
            if place.call(*NANO, place.name, first=first).code:
                struck[place.at()] += 1
            place.again_whole(whole, (struck.total(), place.at()))
    finally:
        with capsys.disabled():
            print(f"\nnano killed: {struck.total()}, {dict(sorted(struck.items()))}")


def test_nano_runs_out_of_memory(nano, site, tmp_path):
    place = Place(tmp_path, site, asked=NANO)

    def first() -> None:
        from selfspec_plugins.training import lora_trainer

        train = lora_trainer.LoraTrainer.train_all

        def with_little(self, *given):  # what is held already, and hardly more
            with open("/proc/self/statm") as pages:
                held = int(pages.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (held + 2**20, resource.RLIM_INFINITY))
            return train(self, *given)

        lora_trainer.LoraTrainer.train_all = with_little

    ended = place.call(*NANO, place.name, first=first)
    assert ended.code == 1 and ended.last.startswith("Error: out of memory; "), ended.said
    place.again_whole(nano[0], "no memory")
