"""Replay: seeds make up the set share of the rows, every seed in turn."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core import Context, Example, Seed, UsageError
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.config import Settings
from selfspec_core.progress import Silent
from selfspec_core.stages.replay import with_replay


def seed(number, name="s"):
    return Seed(f"{name}{number}", "t", "open_qa", "Do it.", f"Input {number}.", "x")


EXAMPLES = [Example(str(n), "t", "open_qa", "Do it.", f"I {n}.", "x", 1, 0) for n in range(40)]
SEEDS = [seed(n) for n in range(7)]


def context(**data):
    settings = Settings.model_validate({"data": data})
    return Context("d", None, settings, SEEDS, general_seeds=[seed(n, "g") for n in range(5)])


@given(st.floats(0, 0.9), st.booleans(), st.sampled_from(["seeds", "general"]))
def test_the_share_is_met_with_the_fewest_rows(share, with_seeds, source):
    rows = [*(SEEDS if with_seeds else ()), *EXAMPLES]
    made = with_replay(rows, context(replay=share, replay_from=source))
    assert made[: len(rows)] == rows
    pool = SEEDS if source == "seeds" else context().general_seeds
    counts = Counter(row.id for row in made[len(rows) :])
    assert set(counts) <= {one.id for one in pool}
    if counts:
        most = max(counts.values())
        assert most - min(counts.get(one.id, 0) for one in pool) <= 1  # each in turn
    replayed = sum(row in set(pool) for row in made)
    assert replayed >= share * len(made) - 1e-6
    if counts:  # one fewer would not do
        assert replayed - 1 < share * (len(made) - 1) + 1e-6


def test_it_is_off_unless_set_and_the_same_every_time():
    assert with_replay(EXAMPLES, context()) == EXAMPLES
    once, again = (with_replay(EXAMPLES, context(replay=0.3)) for _ in range(2))
    assert once == again and len(once) == 58  # 18 of 58 rows are seeds: 31 %


def test_general_seeds_are_there_when_they_are_replayed():
    asked = {"data": {"replay": 0.1, "replay_from": "general"}}
    made = assemble(Request("finance", model="scripted", set=(asked,)), Silent())
    assert {seed.id for seed in made.context.general_seeds} >= {"general-review_mood-01"}
    elsewhere = {**asked, "evaluation": {"general": "nowhere"}}
    with pytest.raises(UsageError, match=r"evaluation\.general: .*nowhere"):
        assemble(Request("finance", model="scripted", set=(elsewhere,)), Silent())
