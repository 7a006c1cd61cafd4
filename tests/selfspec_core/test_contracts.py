"""Plugins that raise, return the wrong thing or change what they are given are named."""

import re
import sys
import time

import loops
import pytest

from selfspec_core import contracts
from selfspec_core.assembly.assemble import assemble, load_host
from selfspec_core.cli import main
from selfspec_core.cli.main import _explain
from selfspec_core.components import (
    Context,
    Domain,
    Exporter,
    Filter,
    Model,
    Retriever,
    SeedSource,
)
from selfspec_core.errors import SelfspecError
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.sources import PLUGIN_GROUP

PLUGIN = """
from selfspec_core import *
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import *
from selfspec_plugins.answers import Answers
from selfspec_plugins.few_shot import FewShot
from selfspec_plugins.generators import LabelFirst
from selfspec_plugins.scripted import Remember, Scripted

def fault(self, *given, **named):
    {fault}

class Wild:
    name, summary = "wild", "misbehaves in one of its methods"

class WildModel(Wild, Scripted):
    trainer = "wild"
class WildGenerator(Wild, FewShot):
    propose = LabelFirst.propose
    _propose_open, _answer_first = LabelFirst._propose_open, LabelFirst._answer_first
    _propose, _wordings, _read = LabelFirst._propose, LabelFirst._wordings, None
class WildTrainer(Wild, Remember): pass
class WildEvaluator(Wild, Answers): pass
class WildRetriever(Wild, Retriever):
    def retrieve(self, queries, k): return [[Passage("p", "a text", "s")] for _ in queries]
    def passages(self, ids): return [Passage(one, "a text", "s") for one in ids]
class WildFilter(Wild, Filter):
    phase = "{phase}"
    def judge(self, candidates, context): return [Verdict(True) for _ in candidates]
class WildComposer(Wild, Composer): pass

{cls}.{method} = fault

@hookimpl
def selfspec_models(): return [WildModel]
@hookimpl
def selfspec_generators(): return [WildGenerator]
@hookimpl
def selfspec_trainers(): return [WildTrainer]
@hookimpl
def selfspec_evaluators(): return [WildEvaluator]
@hookimpl
def selfspec_retrievers(): return [WildRetriever]
@hookimpl
def selfspec_filters(): return [WildFilter]
@hookimpl
def selfspec_composers(): return [WildComposer]
"""
USE = {
    "Model": {"model": {"name": "wild"}, "training": {"trainer": "wild"}},
    "Generator": {"propose": {"generator": "wild"}, "answer": {"generator": "wild"}},
    "Trainer": {"model": {"name": "wild"}, "training": {"trainer": "wild"}},
    "Evaluator": {"evaluation": {"evaluators": ["wild"]}},
    "Retriever": {"retrieval": {"retriever": "wild", "k": 1}},
    "Filter": {"filters": {"order": ["wild", "well_formed", "novelty"]}},
}
METHODS = [
    ("Model", "load"),
    ("Model", "generate"),
    ("Model", "use_adapter"),
    ("Model", "describe"),
    ("Model", "check"),
    ("Generator", "propose"),
    ("Generator", "answer"),
    ("Trainer", "train"),
    ("Trainer", "steps_of"),
    ("Evaluator", "items"),
    ("Evaluator", "evaluate"),
    ("Retriever", "retrieve"),
    ("Filter", "judge"),
    ("Filter", "probe_rows"),
]
TINY = {"data": {"size": 12}, "evaluation": {"dev_per_task": 1, "controls": []}}


@pytest.fixture
def wild(site):
    """Installs the plugin with a fault in one method, in place of the one before."""

    def put(kind, method, fault, phase="instruction"):
        for name in [name for name in sys.modules if name == "wild_plugin"]:
            del sys.modules[name]
        for old in site.folder.glob("wild_*"):
            for file in old.rglob("*") if old.is_dir() else [old]:
                file.unlink()
            if old.is_dir():
                old.rmdir()
        for cached in site.folder.glob("__pycache__/wild*"):
            cached.unlink()
        source = PLUGIN.format(fault=fault, cls=f"Wild{kind}", method=method, phase=phase)
        site.add("wild-plugin", PLUGIN_GROUP, "wild", "wild_plugin", source)
        sys.path_importer_cache.clear()

    return put


def request(kind):
    more = USE[kind]
    model = None if "model" in more else "scripted"
    return loops.Request("finance", model=model, set=(*loops.SMALL, TINY, more))


def make(path, kind):
    return loops.make(path, asked=request(kind))


def go_on(path, kind):
    loops.finish(Run.open(path, write=True), assemble(request(kind), Silent()))


def line_of(error):
    return _explain(error)[0]


@pytest.mark.parametrize(("kind", "method"), METHODS)
def test_a_method_that_raises_is_named_and_the_run_goes_on_without_the_fault(
    wild, tmp_path, kind, method
):
    wild(kind, "unused", "return None")
    whole = loops.fingerprint(make(tmp_path / "whole", kind))
    wild(kind, method, 'raise ZeroDivisionError("no\\n way")')
    with pytest.raises(ZeroDivisionError) as caught:
        make(tmp_path / "broken", kind)
    line = line_of(caught.value)
    assert line.startswith(f"{kind.lower()} 'wild' (wild-plugin 1.0): ZeroDivisionError: no")
    wild(kind, "unused", "return None")
    if (tmp_path / "broken").exists():
        go_on(tmp_path / "broken", kind)
        assert loops.fingerprint(tmp_path / "broken") == whole


WRONG = [
    ("Model", "generate", "return None", "`generate` returned None instead of a list of str"),
    ("Model", "generate", "return given[0][1:]", "`generate` returned 15 for 16; every one"),
    ("Model", "generate", "return [None for _ in given[0]]", "a list with None instead of"),
    ("Model", "generate", "return [b'x' for _ in given[0]]", "a list with b'x' instead of"),
    ("Generator", "propose", "return 'text'", "`propose` returned 'text' instead of a list of"),
    ("Generator", "propose", "return [{'instruction': 'x'}]", "instead of a list of Instruction"),
    ("Generator", "answer", "return []", "`answer` returned 0 for "),
    ("Generator", "answer", "return list(given[0])", "instead of a list of Example"),
    ("Evaluator", "items", "return [1]", "`items` returned a list with 1 instead of a list of It"),
    ("Evaluator", "evaluate", "return {'a': 1}", "`evaluate` returned {'a': 1} instead of a list"),
    ("Retriever", "retrieve", "return [[]]", "`retrieve` returned 1 for "),
    ("Retriever", "retrieve", "return [['x'] for _ in given[0]]", "instead of a list of Passage"),
    ("Filter", "judge", "return None", "`judge` returned None instead of a list of Verdict"),
    ("Filter", "judge", "return [True for _ in given[0]]", "a list with True instead of"),
    ("Filter", "judge", "return []", "`judge` returned 0 for 16; every one needs its Verdict"),
    ("Trainer", "train", "return None", "`train` returned None instead of an Adapter in "),
    ("Trainer", "train", "return Adapter(given[1].parent)", "instead of an Adapter in "),
    (
        "Trainer",
        "train",
        "return Adapter(given[1], 1, 1, 1, (2.0, float('nan')))",
        "the loss went from 2 to nan",
    ),
]


@pytest.mark.parametrize(("kind", "method", "fault", "said"), WRONG)
def test_a_wrong_return_value_is_named_before_it_does_harm(
    wild, tmp_path, kind, method, fault, said
):
    wild(kind, method, fault)
    with pytest.raises(SelfspecError) as caught:
        make(tmp_path / "run", kind)
    line = str(caught.value)
    assert line.startswith(f"{kind.lower()} 'wild' (wild-plugin 1.0): ") and said in line
    assert "\n" not in line and len(line) < 250


COMPOSERS = [
    ("choices", "return [1]", "`choices` returned a list with 1 instead of a list of Mapping"),
    ("choices", "return []", "`choices` returned [] instead of at least one table"),
    ("describe", "return None", "`describe` returned None instead of a table"),
]


@pytest.mark.parametrize(("method", "fault", "said"), COMPOSERS)
def test_what_a_composer_says_is_looked_at(wild, method, fault, said):
    wild("Composer", method, fault)
    composer = load_host(None).build("composers", "wild")
    with pytest.raises(SelfspecError) as caught:
        getattr(composer, method)([])
    assert str(caught.value) == f"composer 'wild' (wild-plugin 1.0): {said}"


ODD = [
    (Domain, "recipe", None, (), "`recipe` returned None instead of a table"),
    (Domain, "tasks", ["x"], (), "`tasks` returned a list with 'x' instead of a list of Task"),
    (Model, "loglikelihood", [0.0, float("nan")], ([1, 2],), "nan instead of finite log-prob"),
    (Model, "loglikelihood", [10**400], ([1],), "instead of finite log-probabilities"),
    (Model, "loglikelihood", [0.0], ([1, 2],), "`loglikelihood` returned 1 numbers for 2 pairs"),
    (Retriever, "passages", [], (["a"],), "`passages` returned 0 for 1; every one needs its Pa"),
    (Exporter, "export", "done", (), "`export` returned 'done' instead of a table"),
]


@pytest.mark.parametrize(("base", "method", "made", "given", "said"), ODD)
def test_every_promise_of_a_component_is_held(base, method, made, given, said):
    members = {"name": "odd", "summary": "", method: lambda self, *_: made}
    component = contracts.held(type("Odd", (base,), members)())
    with pytest.raises(SelfspecError, match=re.escape(said)):
        getattr(component, method)(*given)


def test_a_source_of_what_is_no_seed_is_named():
    class Odd(SeedSource):
        name, summary = "odd", ""

        def seeds(self):
            return [{"id": "x"}]

    with pytest.raises(SelfspecError, match=r"seed source 'odd' .*: `seeds` returned a list with"):
        contracts.seeds_of([Odd])


MUTATIONS = [
    ("Filter", "judge", "given[0].clear(); return [Verdict(True)] * 16", "filter 'wild'"),
    ("Filter", "judge", "given[1].seeds = (); given[1].pool = (); given[1].model = None", None),
    ("Filter", "judge", "given[1].seeds.clear()", "AttributeError"),
    ("Filter", "judge", "given[1].settings.data.size = 1", "ValidationError"),
    ("Evaluator", "evaluate", "given[0].clear()", "AttributeError"),
]


@pytest.mark.parametrize(("kind", "method", "fault", "said"), MUTATIONS)
def test_what_a_plugin_is_given_is_its_own(wild, tmp_path, kind, method, fault, said):
    if said is None:
        wild(kind, "unused", "return None")
        whole = loops.fingerprint(make(tmp_path / "whole", kind))
        wild(kind, method, f"{fault}; return [Verdict(True) for _ in given[0]]")
        assert loops.fingerprint(make(tmp_path / "changed", kind)) == whole
        return
    wild(kind, method, fault)
    with pytest.raises(Exception) as caught:
        make(tmp_path / "run", kind)
    assert said in line_of(caught.value) and "'wild' (wild-plugin 1.0)" in line_of(caught.value)


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def test_a_call_that_takes_long_is_mentioned_with_whose_it_is(wild, tmp_path, monkeypatch):
    monkeypatch.setattr(contracts, "PATIENCE", 0.05)
    slow = "import time; time.sleep(0.5); return [Verdict(True) for _ in given[0]]"
    wild("Filter", "judge", slow)
    heard = Heard()
    host = load_host(None)
    judge = host.build("filters", "wild").judge
    judge([1], Context("x", None, None, (), progress=heard))
    for _ in range(600):  # it looks the package up in a thread of its own
        if not heard.lines:
            time.sleep(0.1)
    assert heard.lines == [
        "filter 'wild' (wild-plugin 1.0): one call of `judge` takes more than 0.05 s; "
        "Ctrl-C stops it, and nothing is lost"
    ]
    monkeypatch.setattr(contracts, "PATIENCE", 30.0)
    judge([1], Context("x", None, None, (), progress=heard))
    assert len(heard.lines) == 1


def test_a_component_that_ends_the_process_has_not_done_its_work(monkeypatch):
    class Quits(Filter):
        name, summary, phase = "quits", "calls sys.exit", "example"

        def judge(self, candidates, context):
            sys.exit(0)

    monkeypatch.setattr(main.selfspec, "main", lambda *_, **__: Quits().judge([], None))
    with pytest.raises(SelfspecError, match=r"filter 'quits' \(.*\): called sys\.exit\(0\)"):
        main._called(["run"])
