"""What filters are given when a run goes on."""

from __future__ import annotations

import random

import pytest

from selfspec_core.components import Context, Domain, Filter, Model
from selfspec_core.config import Settings
from selfspec_core.stages import chain
from selfspec_core.stages.chain import Chain, arrival
from selfspec_core.types import Instruction


class Remembering(Filter):
    summary = "remembers what it is given"
    phase = "instruction"

    def __init__(self, name):
        self.name, self.seen = name, []

    def restore(self, judged, context):
        self.seen += judged


@pytest.fixture
def context():
    return Context(Domain(), Model(), Settings(), [])


@pytest.mark.parametrize("part", [1, 5, 1000])
def test_filters_are_given_what_reached_them_in_order_however_it_is_parted(
    part, context, monkeypatch
):
    monkeypatch.setattr(chain, "_PART", part)
    rng = random.Random(2)
    every = [
        Instruction(f"r1-{batch:05d}-{row:03d}", "t", "open_qa", "Say.", f"{batch} {row}", 1, batch)
        for batch in range(12)
        for row in range(rng.randrange(6))
    ]
    by = {one.id: rng.choice(["", "", "first", "second", "task_share"]) for one in every}
    kept = [one for one in every if not by[one.id]]
    rejected = [one.to_dict() | {"filter": by[one.id], "reason": ""} for one in every if by[one.id]]
    first, second = Remembering("first"), Remembering("second")
    Chain([first, second], "instruction").restore(Instruction.from_dict, kept, rejected, context)
    assert first.seen == sorted(every, key=arrival)
    assert second.seen == [one for one in every if by[one.id] != "first"]


def test_journals_are_not_read_for_filters_that_remember_nothing(context):
    def unread():
        raise AssertionError("a journal was read")
        yield

    class Forgetful(Filter):
        name = "forgetful"
        phase = "instruction"

    Chain([Forgetful()], "instruction").restore(Instruction.from_dict, unread(), unread(), context)

    class Remembering(Forgetful):
        def restore(self, judged, context):
            pass

    with pytest.raises(AssertionError, match="a journal was read"):
        Chain([Remembering()], "instruction").restore(
            Instruction.from_dict, unread(), unread(), context
        )
