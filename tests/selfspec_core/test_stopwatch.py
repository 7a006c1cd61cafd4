from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from whole_runs import SMALL

from selfspec_core import stopwatch
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.cli.session import carry_out
from selfspec_core.manifest import new_manifest
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.stopwatch import IMPORTS, Stopwatch, importing, totals


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is told how many seconds passed."""
    now = [100.0]
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: now[0])

    def passes(seconds):
        now[0] += seconds

    return passes


class Model:
    def __init__(self, passes):
        self.passes = passes

    def generate(self, seconds):
        with importing():
            self.passes(1)
        self.passes(seconds)
        return seconds

    def loglikelihood(self, seconds):
        return self.generate(seconds)

    def prefer(self):
        self.passes(1)
        raise ValueError("out of memory")

    def train_all(self, jobs):
        for job in jobs:
            self.passes(job)
            yield job


def test_every_instant_counts_for_the_innermost_step_alone(clock):
    watch = Stopwatch()
    with watch.timed("propose"):
        clock(2)
        with watch.timed("filter"):
            clock(3)
        clock(4)
    clock(50)
    with watch.timed("filter"):
        clock(1)
    assert watch.seconds == {"propose": 6, "filter": 4}
    assert watch.in_calls == {}


def test_calls_count_for_the_step_that_makes_them_once_and_without_imports(clock):
    watch, model = Stopwatch(), Model(clock)
    watch.observe(model, None)
    with watch.timed("answer"):
        clock(1)
        assert model.loglikelihood(5) == 5
        with watch.timed("filter"):
            model.generate(2)
        with pytest.raises(ValueError, match="out of memory"):
            model.prefer()
        clock(1)
    assert watch.seconds == {"answer": 8, "filter": 2, IMPORTS: 2}
    assert watch.in_calls == {"answer": 6, "filter": 2}
    assert type(model) is Model


def test_what_a_trainer_yields_is_counted_value_by_value(clock):
    watch, model = Stopwatch(), Model(clock)
    watch.observe(model)
    with watch.timed("train"):
        for _ in model.train_all([3, 4]):
            clock(10)  # what is done with it is not the trainer's
    assert watch.seconds == {"train": 27}
    assert watch.in_calls == {"train": 7}


def test_calls_of_other_threads_are_the_time_of_who_waits_for_them(clock):
    watch, model = Stopwatch(), Model(clock)
    watch.observe(model)
    with watch.timed("propose"):
        with watch.in_model(), ThreadPoolExecutor(2) as pool:
            assert list(pool.map(model.generate, [2, 3])) == [2, 3]
        clock(1)
    assert watch.seconds == {"propose": 8}  # with the seconds that their imports took
    assert watch.in_calls == {"propose": 7}


def test_an_object_is_observed_by_the_last_stopwatch_only(clock):
    first, second, model = Stopwatch(), Stopwatch(), Model(clock)
    first.observe(model)
    second.observe(model)
    with second.timed("propose"):
        model.generate(3)
    assert first.seconds == {}
    assert second.in_calls == {"propose": 3}


def test_imports_without_a_run_are_nobodys(clock):
    watch = Stopwatch()
    with importing():
        clock(3)
    assert watch.seconds == {}


def test_the_breakdown_adds_up():
    found = totals({"train": 50.0, "load": 4.0, "imports": 6.0}, {"train": 45.0}, 62.0)
    assert list(found["steps"]) == ["imports", "load", "train", "other"]
    assert sum(step["seconds"] for step in found["steps"].values()) == 62.0
    assert found["in_model_calls"] == 45.0
    assert found["outside"] == 7.0  # 5 of train, 2 that no step has
    assert found["outside_share"] == round(7 / 52, 4)
    assert totals({}, {}, 0.0)["outside_share"] is None


def test_a_resumed_run_counts_all_its_parts(tmp_path):
    def part():
        assembly = assemble(request, Silent())
        carry_out(run, assembly, lambda: 10.0)
        return dict(run.manifest["timings"]), dict(run.manifest["in_model_calls"])

    request = Request("finance", model="scripted", set=SMALL)
    first = assemble(request, Silent())
    with closing(Run.create(tmp_path / "a", new_manifest(first, {"domain": "finance"}))) as run:
        timings, calls = part()
        assert {"load", "propose", "answer", "filter", "train", "evaluate", "report"} <= set(
            timings
        )
        assert calls["evaluate"] > 0
        assert run.manifest["seconds"] == 10.0
        again, same = part()  # all is done: nothing is asked, something is read
    assert run.manifest["seconds"] == 20.0
    assert again["propose"] == timings["propose"]
    assert same == calls
    assert again["evaluate"] >= timings["evaluate"]
