"""Test items hidden among proposals: in whole runs, and before the firewall alone."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.progress import Silent

EDITED = {
    "re-spaced, other punctuation": 1.0,
    "4 words inserted": 1.0,
    "2 words replaced": 0.99,
    "4 words replaced": 0.96,
    "every eighth word replaced": 1.0,
    "every fourth word replaced": 0.99,
    "neighbours swapped, 1 in 8": 1.0,
    "split over instruction and input": 1.0,
    "its answer put into the text": 1.0,
    "part of a longer text": 1.0,
    "the same, 2 words replaced": 0.99,
    "as the response": 1.0,
}


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return import_module("planted")


@pytest.fixture(scope="module")
def firewall():
    return assemble(Request("finance", "full", "scripted"), Silent()).parts.firewall


def share(firewall, rows):
    return sum(not verdict.keep for verdict in firewall.screen(rows)) / len(rows)


def test_every_verbatim_and_every_recased_item_is_found(planted, firewall):
    tested = [item for item in firewall.items if item.split == "test"]
    assert len(tested) > 400
    for edit in planted.SURE:
        for verdict, item in zip(firewall.screen(planted.plant(tested, edit)), tested, strict=True):
            assert not verdict.keep, (edit, item.id)


@pytest.mark.parametrize("edit", EDITED)
def test_edited_items_are_found(planted, firewall, edit):
    tested = [item for item in firewall.items if item.split == "test"][::6]
    assert share(firewall, planted.plant(tested, edit)) >= EDITED[edit]


def test_the_seeds_are_taken_for_no_item():
    assembly = assemble(Request("finance", "full", "scripted"), Silent())
    assert share(assembly.parts.firewall, assembly.seeds) == 0


def test_no_planted_item_gets_through_a_run(planted):
    ends = import_module("leaks").fates("finance", 2, clean=30, filtered=False)
    for edit in planted.EDITS:
        assert ends[edit, "firewall"] > 0
        assert ends[edit, "trained on"] == 0 or edit == "4 words replaced"
    assert ends["clean", "trained on"] > 0 == ends["clean", "firewall"]
