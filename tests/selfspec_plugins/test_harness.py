"""lm-eval as an evaluator: its prompts, its scores, our model; and our tasks in lm-eval itself."""

from __future__ import annotations

import json
import sys

import pytest
import tiny_models

from selfspec_core import Domain, Model
from selfspec_core.components import Context
from selfspec_core.config import ModelSettings, Settings
from selfspec_core.errors import UsageError
from selfspec_core.interchange.lm_eval_tasks import Tasks, write_tasks
from selfspec_core.layouts import LAYOUTS
from selfspec_core.measures.metrics import METRICS
from selfspec_core.measures.statistics import Bootstrap, tabulate
from selfspec_core.types import Item, System
from selfspec_plugins.answers import Answers
from selfspec_plugins.harness import LmEval, LmEvalSettings
from selfspec_plugins.local.transformers_model import TransformersModel

LAYOUT = LAYOUTS["task"]
CHOOSE = """\
task: choose
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: multiple_choice
doc_to_text: "Question: {{{{q}}}}\\nAnswer:"
doc_to_choice: c
doc_to_target: a
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
"""
WRITE = """\
task: write
dataset_path: json
dataset_kwargs:
  data_files:
    test: {file}
test_split: test
output_type: generate_until
doc_to_text: "Repeat: {{{{q}}}}\\nAnswer:"
doc_to_target: "{{{{q}}}}"
generation_kwargs:
  until: ["\\n"]
  max_gen_toks: 5
filter_list:
  - name: stripped
    filter:
      - function: remove_whitespace
      - function: take_first
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""
LENGTH = WRITE.replace("task: write", "task: perplexing").replace(
    "generate_until", "loglikelihood_rolling"
)


WHOLE = (
    WRITE.replace("task: write", "task: whole").replace(
        "  - metric: exact_match\n    aggregation: mean",
        "  - metric: macro_f1\n    aggregation: f1\n    higher_is_better: true\n"
        "  - metric: parsable\n    aggregation: mean",
    )
    + "process_results: !function scores.score\n"
)


class Nowhere(Domain):
    name, summary, title = "nowhere", "", "Nowhere"


class Echo(Model):
    """Likes the shortest continuation, and repeats questions with an even number of words."""

    name, summary = "echo", ""

    def __init__(self):
        super().__init__()
        self.prompts = []

    def generate(self, prompts, sampling, progress=None):
        self.prompts += prompts
        assert (sampling.max_new_tokens, sampling.stop, sampling.temperature) == (5, ("\n",), 0.0)
        asked = [p.rpartition("Repeat: ")[2].removesuffix("\nAnswer:") for p in prompts]
        return [f" {q}" if len(q.split()) % 2 == 0 else " no" for q in asked]

    def loglikelihood(self, pairs, progress=None):
        self.prompts += [prompt for prompt, _ in pairs]
        return [-float(len(continuation)) for _, continuation in pairs]


@pytest.fixture
def folder(tmp_path):
    docs = [
        {"q": "one two", "c": ["abc", "d"], "a": 1},
        {"q": "one two three", "c": ["a", "bcd"], "a": 1},
        {"q": "four words in this", "c": ["no", "yes"], "a": 0},
    ]
    file = tmp_path / "docs.jsonl"
    file.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "scores.py").write_text("def score(doc, results):\n    return {}\n")
    texts = {"choose": CHOOSE, "write": WRITE, "perplexing": LENGTH, "whole": WHOLE}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text.format(file=file))
    return tmp_path


def evaluator(folder, *tasks, **more):
    return LmEval(LmEvalSettings(tasks=tasks, include=folder, **more))


def context(model):
    return Context("nowhere", model, Settings(), seeds=())


def test_documents_are_items_and_lm_evals_scores_are_ours(folder):
    pytest.importorskip("lm_eval")
    asks, model = evaluator(folder, "choose", "write"), Echo()
    items = asks.items(Nowhere())
    assert [(item.id, item.kind, item.input, item.output) for item in items][2:4] == [
        ("choose/2", "multiple_choice", "Question: four words in this\nAnswer:", ("no",)),
        ("write/0", "open_qa", "Repeat: one two\nAnswer:", ("one two",)),
    ]
    said = asks.evaluate(items, System("base@0", LAYOUT), context(model))
    assert [(p.item, p.text, p.parsed) for p in said] == [
        ("choose/0", "d", 1.0),
        ("choose/1", "a", 0.0),
        ("choose/2", "no", 1.0),
        ("write/0", "one two", 1.0),
        ("write/1", "no", 0.0),
        ("write/2", "four words in this", 1.0),
    ]
    score = Bootstrap({"choose": 3, "write": 3}, 100).score(tabulate(items, said))
    assert score.tasks == pytest.approx({"choose": 2 / 3, "write": 2 / 3})


def test_only_the_items_that_are_left_are_asked(folder):
    pytest.importorskip("lm_eval")
    asks, model = evaluator(folder, "write"), Echo()
    items = [asks.items(Nowhere())[at] for at in (0, 2)]
    said = asks.evaluate(items, System("base@0", LAYOUT), context(model))
    assert [(p.item, p.text) for p in said] == [
        ("write/0", "one two"),
        ("write/2", "four words in this"),
    ]
    assert len(model.prompts) == 2


def test_demonstrations_are_the_tasks_own_and_the_next_system_has_none(folder):
    pytest.importorskip("lm_eval")
    asks, model = evaluator(folder, "write"), Echo()
    items = asks.items(Nowhere())
    shown = System("base@1", LAYOUT, shots=1, demo_sets=2)
    said = asks.evaluate(items, shown, context(model))
    assert [p.demo_set for p in said] == [0, 0, 0, 1, 1, 1]
    assert all(prompt.count("Repeat: ") == 2 for prompt in model.prompts)
    model.prompts.clear()
    asks.evaluate(items, System("base@0", LAYOUT), context(model))
    assert all(prompt.count("Repeat: ") == 1 for prompt in model.prompts)
    model.prompts.clear()
    again = asks.evaluate(items, System("base-best@0", LAYOUTS["lines"]), context(model))
    assert {p.system for p in again} == {"base-best@0"}
    assert model.prompts == []  # nothing in it differs for lm-eval


def test_another_model_of_the_same_backend_is_asked_itself(monkeypatch):
    asked = []
    monkeypatch.setattr(LmEval, "_load", lambda self: None)
    monkeypatch.setattr(LmEval, "_ask", lambda *given: asked.append(given[-1].model) or [])
    asks, base, baseline = LmEval(), Echo(), Echo()
    for model, name in ((base, "base@0"), (baseline, "other@0"), (base, "base-best@0")):
        asks.evaluate((), System(name, LAYOUT), context(model))
    assert asked == [base, baseline]


@pytest.mark.parametrize(
    ("tasks", "more", "said"),
    [
        ((), {}, "components.lm-eval.tasks: name one task at least"),
        (("chose",), {}, "'chose'; did you mean 'choose'?"),
        (
            ("write",),
            {"metric": "bleu"},
            "'bleu' of task 'write' is no mean over documents; its means: exact_match",
        ),
        (
            ("whole",),
            {},
            "'macro_f1' of task 'whole' is no mean over documents; its means: parsable",
        ),
        (("perplexing",), {}, "'perplexing' asks for loglikelihood_rolling; expected generate"),
    ],
)
def test_what_cannot_be_asked_is_said(folder, tasks, more, said):
    pytest.importorskip("lm_eval")
    with pytest.raises(UsageError) as error:
        evaluator(folder, *tasks, **more).items(Nowhere())
    assert said in str(error.value)


def test_a_folder_that_is_not_there(tmp_path):
    pytest.importorskip("lm_eval")
    with pytest.raises(UsageError, match="include: .*gone: no such folder"):
        evaluator(tmp_path / "gone", "x").items(Nowhere())


def test_without_lm_eval_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.setitem(sys.modules, "lm_eval.tasks", None)
    with pytest.raises(UsageError, match=r"pip install 'selfspec\[lm-eval\]'"):
        evaluator(tmp_path, "x").items(Nowhere())


def closed(number, output):
    return Item(
        f"c{number}", "tone", "classification", "What is the tone?", f"Rates rose {number} times.",
        (output,), "macro_f1", ("good", "bad", "mixed"),
    )  # fmt: skip


def open_(number):
    return Item(
        f"o{number}", "price", "numeric", "Name the price.", f"It costs {number} crowns.",
        (str(number),), "numeric_match",
    )  # fmt: skip


@pytest.mark.parametrize("layout", ["task", "alpaca"])
def test_lm_eval_itself_scores_exported_tasks_as_we_do(tmp_path, layout):
    pytest.importorskip("lm_eval")
    from lm_eval.evaluator import evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    items = [*(closed(n, "good bad mixed".split()[n % 3]) for n in range(9)), *map(open_, range(6))]
    written = tmp_path / "tasks"
    written.mkdir()
    write_tasks(Tasks("selfspec_t", items, LAYOUTS[layout], 6), written)
    home = tiny_models.build(tmp_path / "model", "llama")
    model = TransformersModel(ModelSettings(path=home))
    model.load()
    told = Settings.model_validate({"evaluation": {"max_new_tokens": 6}})
    asked = Context("nowhere", model, told, seeds=())
    said = {p.item: p for p in Answers().evaluate(items, System("s", LAYOUTS[layout]), asked)}

    theirs = HFLM(pretrained=str(home), device="cpu", dtype="float32", batch_size=4)
    manager = TaskManager(include_path=str(written), include_defaults=False)
    loaded = manager.load(["selfspec_t", "selfspec_t_likelihood"])
    found = evaluate(theirs, loaded, bootstrap_iters=0)
    by_id = {item.id: item for item in items}
    seen = 0
    for name, rows in found["samples"].items():
        for row in rows:
            item = by_id[row["doc"]["id"]]
            answer = said[item.id]
            parsed = answer.likeliest if name.endswith("_likelihood") else answer.parsed
            assert row[item.metric] == METRICS[item.metric].counts(item, parsed).tolist()
            seen += 1
    assert seen == 9 + 9 + 6
