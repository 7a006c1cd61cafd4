"""The side of the run, without Ray: a foreman of the test's own is at the other end of the line."""

from __future__ import annotations

import pytest

from selfspec_core.config import ExecutorSettings, ModelSettings
from selfspec_core.errors import SelfspecError, UsageError
from selfspec_core.model_types import Sampling
from selfspec_core.progress import Silent
from selfspec_plugins.on_ray import lanes, line
from selfspec_plugins.on_ray.foreman import problem
from selfspec_plugins.on_ray.lanes import check_ray
from selfspec_plugins.scripted import Scripted

RAY = ExecutorSettings(name="ray", address="10.0.0.1:6379")
PROMPTS = [f"Task: name it\nText: rates rose by {n}\nAnswer:" for n in range(40)]
SAMPLING = Sampling(random_seed=7)

FOREMAN = """
import os, pickle, sys
from selfspec_plugins.local.lane_worker import answer

out = os.fdopen(os.dup(1), "wb")
def say(*message):
    pickle.dump(message, out)
    out.flush()
begin = pickle.load(sys.stdin.buffer)
model = begin[0](begin[1])
model.load()
say(*{connected})
adapters, seen = {{}}, 0
while True:
    try:
        what, key, value = pickle.load(sys.stdin.buffer)
    except EOFError:
        break
    if what == "adapter":
        folder = os.path.join({folder!r}, key)
        os.mkdir(folder)
        for name, data in value.items():
            open(os.path.join(folder, name), "wb").write(data)
        adapters[key] = folder
        continue
    seen += 1
    packed, adapter = value
    {trouble}
    from pathlib import Path
    path = Path(adapters[adapter]) if adapter else None
    done = []
    state, text = answer(model, pickle.loads(packed), path, lambda _, n: done.append(n))
    say("note", f"question {{seen}}")
    say("reply", (key, state, (text, sum(done))))
"""


class Notes(Silent):
    def __init__(self):
        self.lines, self.done = [], 0

    def say(self, line):
        self.lines.append(line)

    def advance(self, done=1):
        self.done += done


@pytest.fixture
def spread(monkeypatch, tmp_path):
    """Returns `spread(trouble)`: a scripted model at the end of such a line."""
    monkeypatch.setattr(lanes, "find_spec", lambda name: True)
    made = []

    def make(trouble="pass", connected='("connected", 3)'):
        text = FOREMAN.format(trouble=trouble, connected=connected, folder=str(tmp_path))
        (tmp_path / "foreman.py").write_text(text)
        monkeypatch.setattr(line, "FOREMAN", (str(tmp_path / "foreman.py"),))
        model = Scripted(ModelSettings(name="scripted"))
        model.spread(RAY, make.notes)
        made.append(model)
        return model

    make.notes = Notes()
    yield make
    for model in made:
        model.unload()


def alone(adapter=None):
    model = Scripted()
    model.load()
    model.use_adapter(adapter)
    return model.generate(PROMPTS, SAMPLING)


def test_what_comes_back_is_what_is_written_here(spread):
    model, notes = spread(), Notes()
    model.load()
    assert model.at_once == 3
    assert model.generate(PROMPTS, SAMPLING, notes) == alone()
    assert notes.done == len(PROMPTS)
    assert spread.notes.lines == ["question 1", "question 2", "question 3"] and not notes.lines


def test_an_adapter_travels_as_files_and_only_once(spread, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "memory.json").write_text('[{"asked": "rates rose", "output": "up"}]')
    model = spread()
    model.load()
    model.use_adapter(adapter)
    far = model.generate(PROMPTS, SAMPLING)
    assert far == alone(adapter) != alone()
    assert model.generate(PROMPTS, SAMPLING) == far  # a second `mkdir` over there would fail
    model.use_adapter(None)
    assert model.generate(PROMPTS, SAMPLING) == alone()


def test_a_foreman_that_ends_is_one_line_and_a_new_one_goes_on(spread, tmp_path):
    mark = tmp_path / "once"
    mark.touch()
    trouble = f"if seen == 2 and os.path.exists({str(mark)!r}): os._exit(3)"
    model = spread(trouble)
    model.load()
    with pytest.raises(SelfspecError, match=r"on Ray: the cluster \(10.0.0.1:6379\) is gone, code"):
        model.generate(PROMPTS, SAMPLING)
    mark.unlink()
    assert model.generate(PROMPTS, SAMPLING) == alone()


def test_what_fails_over_there_is_said_here(spread):
    trouble = 'say("reply", (key, "failed", "on n7: no such folder")); continue'
    model = spread(trouble)
    model.load()
    with pytest.raises(SelfspecError, match="^on Ray: on n7: no such folder$"):
        model.generate(PROMPTS, SAMPLING)


def test_no_cluster_is_found_before_anything_is_asked(spread):
    model = spread(connected='("failed", "--address 10.0.0.1:6379: timed out")')
    with pytest.raises(UsageError, match="^--executor ray: --address 10.0.0.1:6379: timed out$"):
        model.load()


@pytest.mark.parametrize("users", ["", "1"])
def test_no_telemetry_unless_the_user_wants_it(users, spread, monkeypatch):
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", users)
    if not users:
        monkeypatch.delenv("RAY_USAGE_STATS_ENABLED")
    model = spread(connected='("failed", os.environ["RAY_USAGE_STATS_ENABLED"])')
    with pytest.raises(UsageError, match=f"^--executor ray: {users or 0}$"):
        model.load()


@pytest.mark.parametrize("address", ["auto", "10.0.0.1:6379", "head.cluster:6379", "[::1]:6379"])
def test_addresses(address, monkeypatch):
    monkeypatch.setattr(lanes, "find_spec", lambda name: True)
    check_ray(ExecutorSettings(name="ray", address=address))


@pytest.mark.parametrize("address", ["", "head", "ray://head:10001", "head:port", "a b:1"])
def test_odd_addresses_are_refused(address, monkeypatch):
    monkeypatch.setattr(lanes, "find_spec", lambda name: True)
    with pytest.raises(UsageError, match="expected HOST:PORT of the head node"):
        check_ray(ExecutorSettings(name="ray", address=address))


def test_ray_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(lanes, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"Ray is not installed; pip install 'selfspec\[ray\]'"):
        check_ray(RAY)


def test_why_there_is_no_connection_is_one_line():
    said = problem("h:1", ConnectionRefusedError(111, "Connection refused"))
    assert said.startswith("--address h:1: [Errno 111] Connection refused; expected HOST:PORT")
    assert problem("auto", ConnectionError("none\nfound")).endswith("on this machine (none)")
    assert "\n" not in problem(None, RuntimeError("one\ntwo"))
