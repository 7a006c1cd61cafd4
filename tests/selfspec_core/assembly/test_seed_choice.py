"""The table `[seeds]`: drawn evenly, by the draw alone, smaller counts within larger ones."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.assembly.resolve import parse_flag, resolve
from selfspec_core.assembly.seed_choice import about_choice, chosen
from selfspec_core.config import SeedsSettings
from selfspec_core.errors import UsageError
from selfspec_core.types import Seed


def seed(task, number):
    return Seed(f"{task}-{number}", task, "open_qa", "Say it.", f"input {number}", "x")


def seeds(*sizes):
    return [seed(f"task{t}", n) for t, size in enumerate(sizes) for n in range(size)]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=8), st.integers(0, 9), st.data())
def test_a_draw_is_even_nested_and_in_order(sizes, draw, data):
    rows = seeds(*sizes)
    count = data.draw(st.integers(1, len(rows)))
    drawn = chosen(rows, SeedsSettings(count=count, draw=draw))
    assert len(drawn) == count
    assert drawn == [row for row in rows if row in drawn]
    have = Counter(row.task for row in drawn)
    open_tasks = [f"task{t}" for t, size in enumerate(sizes) if have[f"task{t}"] < size]
    if open_tasks:  # who could have given another seed is at most one behind
        assert max(have.values()) - min(have[task] for task in open_tasks) <= 1
    if count > 1:
        smaller = chosen(rows, SeedsSettings(count=count - 1, draw=draw))
        assert set(row.id for row in smaller) < set(row.id for row in drawn)


def test_draws_differ_and_a_draw_is_always_the_same():
    rows = seeds(10, 10, 10)
    draws = [tuple(s.id for s in chosen(rows, SeedsSettings(count=6, draw=d))) for d in range(5)]
    assert len(set(draws)) == 5
    assert draws[0] == tuple(s.id for s in chosen(rows, SeedsSettings(count=6, draw=0)))


def test_without_a_setting_all_seeds_are_used_in_their_order():
    rows = seeds(3, 2)
    assert chosen(rows, SeedsSettings(draw=3)) == rows
    assert about_choice(rows, rows, SeedsSettings()) == []


def test_a_task_is_left_out_whole_and_noted():
    rows, settings = seeds(3, 2, 4), SeedsSettings(without=("task1",), count=3)
    left = chosen(rows, settings)
    assert {row.task for row in left} <= {"task0", "task2"} and len(left) == 3
    assert about_choice(rows, left, settings) == [
        "left out of the seeds: task1; the items are asked",
        "3 of 9 seeds: draw 0",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"without": ("task9",)}, "seeds.without: no seed is of task 'task9'; did you mean 'task"),
        ({"without": ("task0", "task1")}, "seeds.without: names every task"),
        ({"count": 6}, r"seeds.count = 6: there are 5 seeds$"),
        ({"count": 3, "without": ("task0",)}, r"seeds.count = 3: there are 2 seeds$"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(settings, message):
    with pytest.raises(UsageError, match=message):
        chosen(seeds(3, 2), SeedsSettings(**settings))


def test_one_task_needs_no_brackets():
    for flag in ("seeds.without=a", 'seeds.without=["a"]'):
        assert resolve([("--set", parse_flag(flag))]).seeds.without == ("a",)
    with pytest.raises(UsageError, match="'seeds.without' = 3: input should be a valid tuple"):
        resolve([("--set", parse_flag("seeds.without=3"))])
    with pytest.raises(UsageError, match="seeds.count"):
        resolve([("--set", parse_flag("seeds.count=0"))])
