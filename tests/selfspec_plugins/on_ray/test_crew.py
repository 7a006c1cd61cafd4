"""Who answers what when workers are lost, late or unfit: no Ray needed."""

from __future__ import annotations

import asyncio

from selfspec_plugins.on_ray.crew import TRIES, Broken, Crew, Lost


class Worker:
    """Answers with the square, and fails as the test says."""

    def __init__(self, lost_at=(), unfit="", never=False, start=True):
        self.lost_at, self.unfit, self.never, self.start = set(lost_at), unfit, never, start
        self.ended, self.asked = False, []

    async def ready(self):
        if self.never:
            await asyncio.Event().wait()
        if not self.start:
            raise Lost("did not start")
        if self.unfit:
            raise Broken(self.unfit)
        return "there"

    async def answer(self, question):
        await asyncio.sleep(0)
        self.asked.append(question)
        if question in self.lost_at:
            raise Lost("node died")
        return "done", question * question

    def end(self):
        self.ended = True


def worked(workers, questions, count=1, patience=60.0):
    """Returns replies by question, notes, and the workers that were hired."""
    replies, notes, hired = {}, [], []
    left = list(workers)

    def hire():
        hired.append(left.pop(0) if left else Worker(never=True))
        return hired[-1]

    async def run():
        done = asyncio.Event()

        def say(state, value):
            if state == "note":
                notes.append(value)
                return
            assert value[0] not in replies  # each is answered once
            replies[value[0]] = value[1:]
            if len(replies) == len(questions):
                done.set()

        crew = Crew(hire, count, say, patience, lambda: "each needs 1 CPU")
        for question in questions:
            crew.ask(question, question)
        await asyncio.wait_for(done.wait(), 10)
        for task in crew._tasks:
            task.cancel()
        await asyncio.gather(*crew._tasks, return_exceptions=True)

    asyncio.run(run())
    return replies, notes, hired


DONE = {n: ("done", n * n) for n in range(8)}


def test_every_question_is_answered_once_by_whoever_is_free():
    replies, notes, hired = worked([Worker(), Worker()], range(8), count=2)
    assert replies == DONE and notes == []
    assert all(len(worker.asked) >= 3 for worker in hired)


def test_what_a_lost_worker_had_is_asked_of_the_next_one_first():
    replies, notes, hired = worked([Worker(lost_at=[3]), Worker()], range(8))
    assert replies == DONE
    assert notes == ["an actor on there is gone (node died); another is asked for"]
    assert hired[0].ended and hired[1].asked == [3, 4, 5, 6, 7]


def test_nobody_waits_for_one_that_has_no_room_while_others_work():
    replies, _, hired = worked([Worker(never=True), Worker()], range(8), count=2)
    assert replies == DONE and len(hired) == 2


def test_a_question_that_ends_every_worker_fails_alone():
    workers = [Worker(lost_at=[2]) for _ in range(TRIES)]
    replies, _, _ = worked([*workers, Worker()], range(4))
    why = f"a batch ended {TRIES} actors, the last with: node died"
    assert replies == {**{n: DONE[n] for n in (0, 1, 3)}, 2: ("failed", why)}


def test_an_unfit_worker_ends_it_all_with_its_reason():
    replies, _, hired = worked([Worker(unfit="on there: no such folder")], range(3))
    assert set(replies.values()) == {("failed", "on there: no such folder")}
    assert hired[0].ended


def test_workers_that_never_start_are_not_asked_for_for_ever():
    replies, notes, hired = worked([Worker(start=False) for _ in range(9)], range(2))
    why = "no actor stays: did not start (each node needs what is installed here)"
    assert set(replies.values()) == {("failed", why)}
    assert len(hired) == TRIES == len(notes)


def test_patience_ends_where_there_is_no_room():
    replies, _, _ = worked([], [1], patience=0.05)
    assert replies == {1: ("failed", "no actor for 0.05 s: each needs 1 CPU")}
