"""Tasks for lm-eval: what is written asks the run's prompts, and is scored as the run scores."""

from __future__ import annotations

import importlib.util
import json
import random
from dataclasses import replace

import pytest
import yaml
from whole_runs import make, rows

from selfspec_core.errors import UsageError
from selfspec_core.interchange import lm_eval_scoring
from selfspec_core.interchange.lm_eval_tasks import MODULE, Tasks, tasks_of, write_tasks
from selfspec_core.layouts import LAYOUTS
from selfspec_core.measures.parsing import parse
from selfspec_core.measures.statistics import Bootstrap, tabulate
from selfspec_core.types import CLOSED_KINDS, Item, Prediction


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The tasks of finance, the folder they were written to, its YAML by name, its functions."""
    tasks, folder = tasks_of("finance"), tmp_path_factory.mktemp("tasks")
    names = write_tasks(tasks, folder)
    spec = importlib.util.spec_from_file_location(MODULE, folder / f"{MODULE}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    class Loader(yaml.SafeLoader):
        pass

    def function(loader, node):
        place, _, name = loader.construct_scalar(node).partition(".")
        assert place == MODULE
        return getattr(module, name)

    Loader.add_constructor("!function", function)
    told = {file.stem: yaml.load(file.read_text(), Loader) for file in folder.glob("*.yaml")}
    groups = {table["group"]: table["task"] for table in told.values() if "group" in table}
    assert sorted(name for members in groups.values() for name in members) == sorted(names)
    return tasks, folder, {name: told[name] for name in names}, groups


def docs_of(table):
    assert set(table["dataset_kwargs"]) == {"file"}
    splits = table["custom_dataset"](version=1.0, **table["dataset_kwargs"])
    return {split: list(rows) for split, rows in splits.items()}


def test_every_item_is_asked_once_in_its_split_and_layout(exported):
    tasks, _, told, groups = exported
    seen = {}
    for name in groups["selfspec_finance"]:
        for split, docs in docs_of(told[name]).items():
            assert split in (told[name]["test_split"], told[name]["validation_split"])
            for doc in docs:
                seen[doc["id"]] = split, doc["prompt"]
    assert seen == {
        item.id: (
            {"dev": "validation", "test": "test"}[item.split],
            tasks.layout.prompt(item.instruction, item.input),
        )
        for item in tasks.items
    }


def test_target_and_delimiter_are_the_response_of_the_layout(tmp_path):
    item = tasks_of("finance").items[0]
    for layout in LAYOUTS.values():
        folder = tmp_path / layout.name
        folder.mkdir()
        [name, *_] = write_tasks(Tasks("selfspec_t", [item], layout, 8), folder)
        [doc] = map(json.loads, (folder / f"{name}.jsonl").read_text().splitlines())
        plain = (folder / f"{name}.yaml").read_text().replace("!function ", "")
        table = yaml.safe_load(plain)
        assert table["target_delimiter"] + doc["target"] == layout.response(item.output[0])
        assert table["generation_kwargs"]["until"] == list(layout.stop)
        assert table["generation_kwargs"]["max_gen_toks"] == 8


def test_closed_tasks_stand_by_likelihood_too(exported):
    tasks, _, told, groups = exported
    closed = {item.task for item in tasks.items if item.kind in CLOSED_KINDS and item.choices}
    names = {f"selfspec_finance_{task}_likelihood" for task in closed}
    assert set(groups["selfspec_finance_likelihood"]) == names
    for name in names:
        assert told[name]["output_type"] == "multiple_choice"
        for doc in docs_of(told[name])["test"]:
            item = Item.from_dict(json.loads(doc["item"]))
            assert doc["choices"] == list(item.choices)
            assert doc["choices"][doc["right"]].lower() == item.output[0].lower()


def said_to(item, rng):
    """Returns an answer that is right, wrong, in another form, or nothing."""
    right = [answer if isinstance(answer, str) else answer[0] for answer in item.output]
    others = [*item.choices, "7", "Orel Bank and Bexley Water", "", "none", "The answer is: no."]
    return ", ".join(right) if rng.random() < 0.5 else rng.choice(others)


def scores_of(items, answers):
    """Returns what a run would say: macro score, and the score of each task."""
    rows = [Prediction("s", item.id, "", answers[item.id]) for item in items]
    sizes = {}
    for item in items:
        sizes[item.task] = sizes.get(item.task, 0) + 1
    return Bootstrap(sizes, 100).score(tabulate(items, rows))


@pytest.mark.parametrize("by_likelihood", [False, True])
def test_scores_are_those_of_a_run(exported, by_likelihood):
    tasks, _, told, groups = exported
    rng, own = random.Random(0), {item.id: item for item in tasks.items}
    group = groups["selfspec_finance" + "_likelihood" * by_likelihood]
    theirs, answers, parsable = {}, {}, []
    for name in group:
        table, docs = told[name], docs_of(told[name])["test"]
        [metric, share] = table["metric_list"]
        results = []
        for doc in docs:
            item = own[doc["id"]]
            if by_likelihood:
                weights = [-rng.random() for _ in item.choices]
                answers[item.id] = item.choices[weights.index(max(weights))]
                results.append(table["process_results"](doc, [(w, False) for w in weights]))
            else:
                text = said_to(item, rng)
                answers[item.id] = parse(item.kind, text, item.choices)
                results.append(table["process_results"](doc, [text]))
        theirs[own[docs[0]["id"]].task] = metric["aggregation"](
            [r[metric["metric"]] for r in results]
        )
        assert (share["metric"], share["aggregation"]) == ("parsable", "mean")
        parsable += [r["parsable"] for r in results]
    asked = [item for item in tasks.items if item.id in answers]
    score = scores_of(asked, answers)
    assert theirs == pytest.approx(score.tasks)
    assert 0.05 < score.value < 0.95
    assert parsable.count(0.0) == sum(answer is None for answer in answers.values())
    assert by_likelihood or parsable.count(0.0)


def test_counts_survive_json():
    item = Item("i", "t", "list_qa", "Name them", "", ("a", ("b", "bee")), "list_f1")
    doc = {"item": json.dumps(item.to_dict())}
    assert lm_eval_scoring.written(doc, ["a, bee"]) == {"list_f1": [1.0], "parsable": 1.0}
    empty = Item("i", "t", "ner", "Name them", "in this", (), "set_f1")
    doc = {"item": json.dumps(empty.to_dict())}
    assert lm_eval_scoring.written(doc, ["none"]) == {"set_f1": [0.0, 0.0, 0.0], "parsable": 1.0}


def test_tasks_of_nearly_one_name_have_files_of_their_own(tmp_path):
    whole = tasks_of("finance")
    closed = next(item for item in whole.items if item.choices)
    tasks = ("a b", "a_b", "a_b_likelihood", "a_b_2")
    items = [replace(closed, id=f"i{n}", task=task) for n, task in enumerate(tasks)]
    names = write_tasks(replace(whole, items=items), tmp_path)
    assert len(set(names)) == len(names) == 8
    files = [file.read_text() for file in tmp_path.glob("*.jsonl")]
    assert sorted(json.loads(text)["id"] for text in files) == ["i0", "i1", "i2", "i3"]


def test_what_is_no_run_and_no_domain_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="nowhere: no such run"):
        tasks_of("nowhere")


def test_a_task_becomes_a_set_of_the_run(tmp_path):
    pytest.importorskip("lm_eval")
    docs = [{"q": f"Rates rose {n} times", "a": ["up", "down"][n % 2]} for n in range(14)]
    file = tmp_path / "docs.jsonl"
    file.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "mine.yaml").write_text(
        f"""
task: mine
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: generate_until
doc_to_text: "Task: Say the direction.\\nText: {{{{q}}}}\\nAnswer:"
doc_to_target: a
generation_kwargs: {{until: ["\\n"], max_gen_toks: 4}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""
    )
    flags = (
        {"evaluation": {"evaluators": ["answers", "lm-eval"]}},
        {"components": {"lm-eval": {"tasks": ["mine"], "include": str(tmp_path)}}},
    )
    run = make(tmp_path / "run", *flags)
    scores = json.loads((run.path / "round-1" / "scores.json").read_text())
    told = scores["sets"]["lm-eval"]
    assert {row["n"] for row in told["systems"].values()} == {14}
    assert {"base@0", "seeds-only@0", "specialized@0"} <= told["systems"].keys()
    assert told["ours"] == "specialized@0"
    assert "specialized@0 - base@0" in told["gains"]
    for system, row in told["systems"].items():
        said = [p for p in rows(run.path, "predictions") if p["set"] == "lm-eval"]
        mine = [p["parsed"] for p in said if p["system"] == system]
        assert row["macro"] == pytest.approx(sum(mine) / len(mine))
