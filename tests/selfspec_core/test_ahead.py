"""Several batches at the same time: in order, and nothing runs while one is looked at."""

from __future__ import annotations

import threading

from selfspec_core.components import Context, Domain, Generator, Model
from selfspec_core.config import Settings
from selfspec_core.stages.ahead import at_once, generated


class Several(Model):
    name, summary, at_once = "several", "", 3


class Careful(Generator):
    name, summary, concurrent = "careful", "", True


def context(model):
    return Context(Domain(), model, Settings(), seeds=())


def test_order_is_kept_and_nothing_runs_in_between():
    running, together, lock = set(), [], threading.Lock()
    meeting = threading.Barrier(3, timeout=10)

    def generate(number):
        with lock:
            running.add(number)
        meeting.wait()  # all three are under way
        together.append(frozenset(running))
        meeting.wait()
        with lock:
            running.discard(number)
        return -number

    made = []
    for one in generated(generate, range(6), 3, context(Several())):
        assert not running
        made.append(one)
    assert made == [0, -1, -2, -3, -4, -5]
    assert set(together) == {frozenset({0, 1, 2}), frozenset({3, 4, 5})}


def test_what_is_not_taken_is_at_most_what_was_under_way():
    asked = []
    for one in generated(lambda n: asked.append(n) or n, range(9), 2, context(Several())):
        if one == 2:
            break
    assert sorted(asked) == [0, 1, 2, 3]


def test_an_error_in_a_thread_is_raised_where_it_is_asked_for():
    def fails(number):
        raise ValueError(f"batch {number}")

    try:
        list(generated(fails, range(2), 2, context(Several())))
    except ValueError as error:
        assert str(error) == "batch 0"
    else:
        raise AssertionError("no error")


def test_only_a_concurrent_generator_without_a_retriever_is_asked_at_once():
    class Plain(Generator):
        name, summary = "plain", ""

    assert at_once(Careful(), context(Several())) == 3
    assert at_once(Careful(), context(Model())) == 1
    assert at_once(Plain(), context(Several())) == 1
    with_retriever = context(Several())
    with_retriever.retriever = object()
    assert at_once(Careful(), with_retriever) == 1
