"""Which points a sweep has, and what they share."""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.assembly.request import Request
from selfspec_core.components import Model
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.locks import Lock, in_use
from selfspec_core.model_types import Sampling
from selfspec_core.sweeps.points import Point, Sweep, SweepFolder, nested_part, parse_over
from selfspec_core.sweeps.sharing import Store, share_answers


@pytest.mark.parametrize(
    ("flag", "values"),
    [
        ("data.size=0,100", (0, 100)),
        ("training.layout=lines, alpaca", ("lines", "alpaca")),
        ("training.lr=1e-3,0.1", (1e-3, 0.1)),
        ("data.seeds=true,false", (True, False)),
        ('seeds.without=["a","b"],["c"]', (["a", "b"], ["c"])),
        ("propose.preface='x, y',''", ("x, y", "")),
        ("model.name=a/b,3", ("a/b", 3)),
    ],
)
def test_values_are_read_as_set_reads_them(flag, values):
    assert parse_over(flag) == (flag.partition("=")[0], values)


@pytest.mark.parametrize("flag", ["data.size", "data.size=", "=1,2", "data.size= ", "a.b=x,,y"])
def test_over_without_key_or_values_says_what_is_expected(flag):
    with pytest.raises(UsageError, match=r"--over .*for example --over data\.size=0,100,500"):
        parse_over(flag)


def sweep(over, *values, **more):
    return Sweep(Request("finance"), over, values, **more)


def test_points_are_named_by_value_and_draw():
    names = [p.name for p in sweep("data.size", 0, 100, draws=2).points()]
    assert names == ["size-0-draw-0", "size-0-draw-1", "size-100-draw-0", "size-100-draw-1"]
    odd = [p.name for p in sweep("model.name", "../a", "..:a", "é", "x" * 300).points()]
    assert len(set(odd)) == 4
    assert not any("/" in name or ".." == name or len(name) > 80 for name in odd)
    with pytest.raises(UsageError, match="--over data.size: 5 is given twice"):
        sweep("data.size", 5, 0, 5).points()


def test_draws_differ_in_seeds_where_seeds_are_counted_and_else_in_the_random_seed():
    counted = sweep("seeds.count", 10, draws=2, first=4)
    assert [counted.request_of(p).set for p in counted.points()] == [
        ({"seeds": {"count": 10}}, {"seeds": {"draw": 4 + d}}) for d in range(2)
    ]
    others = sweep("retrieval.k", 3, draws=2)
    assert [others.request_of(p).set[1] for p in others.points()] == [
        {"random_seed": 0},
        {"random_seed": 1},
    ]
    alone = sweep("retrieval.k", 3)
    assert alone.request_of(alone.points()[0]).set == ({"retrieval": {"k": 3}},)


def test_the_largest_size_of_each_draw_comes_first_and_gives_to_the_others():
    one = sweep("data.size", 0, 50, 100, draws=2)
    assert [(p.draw, p.value) for p in one.order()] == [
        (0, 100), (0, 50), (0, 0), (1, 100), (1, 50), (1, 0),
    ]  # fmt: skip
    given_by = {p.name: one.donor(p) and one.donor(p).name for p in one.points()}
    assert given_by["size-50-draw-1"] == "size-100-draw-1"
    assert given_by["size-100-draw-1"] is given_by["size-0-draw-0"] is None
    apart = sweep("data.size", 0, 50, 100, independent=True)
    assert not any(map(apart.donor, apart.points()))
    assert not any(map(sweep("training.r", 4, 8).donor, sweep("training.r", 4, 8).points()))


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60), st.data())
def test_parts_are_nested_in_proportion_and_first_come_first_taken(tasks, data):
    rows = [{"id": n, "task": task} for n, task in enumerate(tasks)]
    size = data.draw(st.integers(0, len(rows)))
    part = nested_part(rows, size)
    assert len(part) == size and part == [row for row in rows if row in part]
    if size < len(rows):
        larger = nested_part(rows, size + 1)
        assert all(row in larger for row in part)
    whole, have = Counter(tasks), Counter(row["task"] for row in part)
    for task, total in whole.items():
        assert abs(have[task] - total * size / len(rows)) <= 1 + len(whole) / 2
        own = [row for row in rows if row["task"] == task]
        assert [row for row in part if row["task"] == task] == own[: have[task]]


def test_a_folder_says_again_what_was_asked(tmp_path):
    about = {"domain": "finance", "model": "nano", "notes": [], "failed": {}}
    asked = Sweep(Request("finance", set=({"a": {"b": 1}},)), "data.size", (0, 5), 2)
    folder = SweepFolder.create(tmp_path / "s", asked, about)
    read = SweepFolder.open(tmp_path / "s")
    assert (read.sweep, read.about) == (asked, about)
    with pytest.raises(SelfspecError, match=rf"s: in use by \S+, process {os.getpid()}; wait for"):
        read.acquire()
    folder.close()
    with pytest.raises(UsageError, match="--name s: .*exists already; `selfspec resume s` goes"):
        SweepFolder.create(tmp_path / "s", asked, about)
    whole = json.loads((tmp_path / "s/sweep.json").read_text())
    for key, odd in [("model", 3), ("failed", []), ("notes", None)]:
        (tmp_path / "s/sweep.json").write_text(json.dumps(whole | {key: odd}))
        with pytest.raises(UsageError, match=rf"s/sweep\.json: damaged: TypeError: '{key}' is no"):
            SweepFolder.open(tmp_path / "s")
    (tmp_path / "s/sweep.json").write_text('{"sweep": {"request": 3}}')
    with pytest.raises(UsageError, match=r"s/sweep\.json: damaged"):
        SweepFolder.open(tmp_path / "s")


def test_of_two_that_begin_the_same_sweep_the_second_is_refused(tmp_path, monkeypatch):
    acquire = Lock.acquire

    def late(lock):
        (lock.folder / "sweep.json").write_text("{}")  # the first was quicker, and is done
        acquire(lock)

    monkeypatch.setattr(Lock, "acquire", late)
    with pytest.raises(UsageError, match=r"^--name s: .*exists already; "):
        SweepFolder.create(tmp_path / "s", Sweep(Request("finance"), "data.size", (0, 5)), {})
    assert (tmp_path / "s/sweep.json").read_text() == "{}" and not in_use(tmp_path / "s")


class Echo(Model):
    """Counts how often it is asked."""

    name = "echo"
    asked = 0

    def generate(self, prompts, sampling, progress=None):
        self.asked += 1
        return [f"{prompt}/{sampling.random_seed}/{self.asked}" for prompt in prompts]

    def use_adapter(self, path):
        pass

    def loglikelihood(self, pairs, progress=None):
        self.asked += 1
        return [0.1 + 0.2 * self.asked for _ in pairs]


def test_what_was_said_is_said_again_and_nothing_else_is(tmp_path):
    model = Echo()
    share_answers(model, Store(tmp_path))
    first = model.generate(["a", "b"], Sampling())
    assert model.generate(["a", "b"], Sampling()) == first and model.asked == 1
    for prompts, sampling in ((["a"], Sampling()), (["a", "b"], Sampling(random_seed=1))):
        model.generate(prompts, sampling)
    assert model.asked == 3
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter/weights").write_text("1")
    model.use_adapter(tmp_path / "adapter")
    assert model.generate(["a", "b"], Sampling()) != first
    model.use_adapter(None)
    assert model.generate(["a", "b"], Sampling()) == first
    logs = model.loglikelihood([("a", "b")])
    assert model.loglikelihood([("a", "b")]) == logs and model.asked == 5


def test_a_store_outlives_a_kill_and_loses_only_the_line_that_was_cut(tmp_path):
    model = Echo()
    share_answers(model, Store(tmp_path))
    said, logs = model.generate(["a"], Sampling()), model.loglikelihood([("a", "b")])
    file = tmp_path / "shared.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + json.dumps({"key": "x", "texts": ["half"]}).encode()[:-4])
    again = Echo()
    share_answers(again, Store(tmp_path))
    assert file.read_bytes() == whole
    assert again.generate(["a"], Sampling()) == said
    assert again.loglikelihood([("a", "b")]) == logs
    assert again.asked == 0


def test_a_value_may_be_a_list():
    """Points are looked up by hash; their values need not have one."""
    one, other = (Point(f"without-{n}", f"{n}", value, 0) for n, value in enumerate((["a"], ["b"])))
    assert {one: 1, other: 2}[other] == 2


def test_more_runs_than_anybody_can_mean_are_refused():
    values = tuple(range(1, 401))
    with pytest.raises(UsageError, match=r"--over seeds\.count: 20000 runs, more than 1000"):
        Sweep(Request(domain="finance"), "seeds.count", values, draws=50).points()
