"""Several processes with one model: the same answers, whoever gives them and whoever dies."""

from __future__ import annotations

import threading

import pytest
import tiny_models

from selfspec_core.components import Context, Domain
from selfspec_core.config import ModelSettings, Settings
from selfspec_core.errors import SelfspecError
from selfspec_core.model_types import Sampling
from selfspec_core.progress import Silent
from selfspec_core.types import Seed, TrainingJob
from selfspec_plugins.local import lanes
from selfspec_plugins.local.lanes import Lanes
from selfspec_plugins.local.memory import OutOfMemory
from selfspec_plugins.local.transformers_model import TransformersModel
from selfspec_plugins.local.workers import Gone
from selfspec_plugins.training.lora_trainer import LoraTrainer

PROMPTS = [
    f"Task: Is the sentence about money?\nText: Rates rose by {n} points." for n in range(24)
]
SAMPLING = Sampling(max_new_tokens=6, temperature=1.0, random_seed=3)


class Nowhere(Domain):
    name, summary, title = "nowhere", "", "Nowhere"


class Colleague:
    """A worker without a process: answers by a function, when it is ready."""

    def __init__(self, answer, ready=None):
        self.lock, self._answer, self._ready, self.closed = threading.Lock(), answer, ready, False

    def wait_until_ready(self):
        if self._ready:
            assert self._ready.wait(10)

    def run(self, question, adapter, advance):
        return self._answer(question)

    def close(self):
        self.closed = True


def shared(parts, here, *workers, progress=None):
    """Returns what was taken, part by part, and what was not done."""
    ours, taken = Lanes(TransformersModel, ModelSettings(), 1 + len(workers)), []
    ours._workers = list(workers)
    left = ours.share(
        parts,
        10**6,
        lambda question, advance: here(question),
        lambda part: ("square", (part,)),
        lambda part, answer: taken.append((tuple(part), answer)),
        progress or Silent(),
    )
    return sorted(taken), left, ours


def square(question):
    return [n * n for n in question[1][0]]


PARTS = [[n, n + 1] for n in range(20)]
DONE = sorted((tuple(part), [n * n for n in part]) for part in PARTS)


def test_every_part_is_answered_once_by_whoever_is_free():
    both, seen = threading.Barrier(2, timeout=10), []

    def by(name):
        def answer(question):
            if name not in seen:
                seen.append(name)
                both.wait()  # neither goes on before the other has a part too
            return square(question)

        return answer

    taken, left, _ = shared(PARTS, by("here"), Colleague(by("there")))
    assert taken == DONE and left == [] and sorted(seen) == ["here", "there"]


def test_the_last_part_is_waited_for_though_nothing_is_left_to_begin(monkeypatch):
    begun, here = threading.Event(), threading.Event()

    class First(threading.Thread):
        """A thread that has taken its part before the other side looks."""

        def start(self):
            super().start()
            assert begun.wait(10)

    def slow(question):
        begun.set()
        here.wait(0.2)
        return square(question)

    monkeypatch.setattr(lanes.threading, "Thread", First)
    taken, left, _ = shared(PARTS[:1], square, Colleague(slow))
    assert taken == DONE[:1] and left == []


def test_nobody_waits_for_a_worker_that_is_still_loading():
    never = threading.Event()
    taken, left, _ = shared(PARTS, square, Colleague(square, ready=never))
    assert taken == DONE and left == []
    never.set()


def test_a_worker_that_ends_by_itself_costs_nothing_but_itself():
    tried = threading.Event()

    def dies(question):
        tried.set()
        raise Gone("code -9")

    def waits(question):
        assert tried.wait(10)
        return square(question)

    class Notes(Silent):
        lines = []

        def say(self, line):
            self.lines.append(line)

    worker = Colleague(dies)
    taken, left, ours = shared(PARTS, waits, worker, progress=Notes())
    assert taken == DONE and left == []
    assert worker.closed and ours._workers == []
    assert Notes.lines == ["a second process with the model is gone (code -9)"]


def test_a_worker_that_several_threads_find_gone_is_counted_once():
    worker = Colleague(square)
    _, _, ours = shared(PARTS, square, worker)
    assert ours.count == 2
    for _ in range(3):
        ours.dismiss(worker)
    assert ours.count == 1
    again = Colleague(square)
    _, _, ours = shared(PARTS, square, again)
    ours.close()
    ours.dismiss(again)  # its thread finds it closed; it will be started again
    assert ours.count == 2 and again.closed


def test_what_is_too_large_comes_back_with_what_was_not_begun():
    def small(question):
        if question[1][0][0] >= 3:
            raise OutOfMemory
        return square(question)

    taken, left, _ = shared(PARTS, small)
    assert taken == DONE[:3] and left == PARTS[3:]


def test_what_a_part_counted_before_it_was_too_large_is_taken_back():
    class Counting(Silent):
        done = 0

        def advance(self, done=1):
            self.done += done

    def here(question, advance):
        numbers = question[1][0]
        advance(1)
        if numbers[0] == 3:
            raise OutOfMemory
        advance(len(numbers) - 1)
        return numbers

    progress, ours = Counting(), Lanes(TransformersModel, ModelSettings(), 1)
    left = ours.share(
        PARTS, 1, here, lambda part: ("square", (part,)), lambda part, answer: None, progress
    )
    assert left == PARTS[3:] and progress.done == 3 * 2


def test_an_error_of_either_side_is_raised_and_the_workers_are_closed():
    tried = threading.Event()

    def fails(question):
        tried.set()
        raise SelfspecError("in a second process: no")

    def waits(question):
        assert tried.wait(10)
        return square(question)

    worker = Colleague(fails)
    with pytest.raises(SelfspecError, match="no"):
        shared(PARTS, waits, worker)
    assert worker.closed

    asked = threading.Event()

    def broken(question):
        asked.set()
        raise ValueError("here")

    def waits_for_it(question):
        assert asked.wait(10)
        return square(question)

    worker = Colleague(waits_for_it)
    with pytest.raises(ValueError, match="here"):
        shared(PARTS, broken, worker)
    assert worker.closed


def test_each_worker_sees_a_gpu_of_its_own(monkeypatch):
    import torch

    def seen(device="auto", given=None, count=4):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if given:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
        settings = ModelSettings(device=device)
        return [lanes._visible(settings, number) for number in range(1, 5)]

    def only(*names):
        return [{"CUDA_VISIBLE_DEVICES": name} for name in names]

    assert seen() == only("1", "2", "3", "0")  # the process that asks has the first
    assert seen(given="4,5,6,7", device="cuda") == only("5", "6", "7", "4")
    assert seen(count=1) == seen(count=0) == seen(device="balanced") == [{}] * 4


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A model alone and one with a second process, with batches of a few rows."""
    folder = tiny_models.build(tmp_path_factory.mktemp("llama"), "llama")
    models = [
        TransformersModel(ModelSettings(path=folder, batch_tokens=200, threads=1, processes=n))
        for n in (1, 2)
    ]
    for model in models:
        model.load()
    yield models
    for model in models:
        model.unload()


def only_the_worker(model, monkeypatch):
    """Keeps this process from answering, so that the other one has to."""
    engine = model.engine

    def waits(question, advance):
        raise AssertionError("asked here")

    def work(self, here, workers):
        assert len(workers) == 1
        self._hand_to(workers[0])
        assert not self._todo
        if self._error:
            raise self._error
        return self._too_large

    monkeypatch.setattr(engine, "_answer", waits)
    monkeypatch.setattr(lanes._Shift, "work", work)
    monkeypatch.setattr(lanes, "WORTH", 0)


def test_a_real_second_process_gives_the_same_bytes(pair, monkeypatch):
    alone, both = pair
    pairs = [(prompt, " " + choice) for prompt in PROMPTS for choice in ("yes", "no")]
    texts, logs = alone.generate(PROMPTS, SAMPLING), alone.loglikelihood(pairs)
    only_the_worker(both, monkeypatch)
    assert both.generate(PROMPTS, SAMPLING) == texts
    assert both.loglikelihood(pairs) == logs


def test_adapters_tuned_side_by_side_have_the_bytes_of_those_tuned_one_by_one(pair, tmp_path):
    alone, both = pair
    words = "court price rates contract sentence".split()
    rows = [
        Seed(str(i), "t", "open_qa", f"Name the {words[i % 5]}", "x " * i, words[i % 5])
        for i in range(8)
    ]
    settings = Settings.model_validate({"training": {"batch": 4, "epochs": 2, "lr": 1e-2}})

    def weights(model, name):
        context = Context(Nowhere(), model, settings, seeds=())
        outs = [tmp_path / f"{name}-{n}" for n in range(3)]
        jobs = [TrainingJob(rows[n:], out, None if n else 6) for n, out in enumerate(outs)]
        made = list(LoraTrainer().train_all(jobs, context))
        assert [one.path for one in made] == outs and [one.steps for one in made] == [6, 4, 4]
        return [(out / "adapter_model.safetensors").read_bytes() for out in outs]

    assert weights(both, "both") == weights(alone, "alone")


def test_a_real_second_process_that_is_killed_is_noticed(pair, monkeypatch):
    alone, both = pair
    texts = alone.generate(PROMPTS, SAMPLING)
    monkeypatch.setattr(lanes, "WORTH", 0)
    both.generate(PROMPTS, SAMPLING)
    (worker,) = both.engine.lanes._workers
    with worker.lock:
        worker.wait_until_ready()
    worker._process.kill()
    assert both.generate(PROMPTS, SAMPLING) == texts
