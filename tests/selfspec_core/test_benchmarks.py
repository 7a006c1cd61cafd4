"""Reading items: every public set loads, and every broken line is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from selfspec_core.errors import UsageError
from selfspec_core.measures.metrics import METRICS
from selfspec_core.measures.parsing import parse
from selfspec_core.sets.items import read_items
from selfspec_core.types import LIST_KINDS

GOOD = {
    "id": "1",
    "task": "tone",
    "instruction": "Good or bad?",
    "input": "Profit fell.",
    "output": ["bad"],
    "choices": ["good", "bad"],
    "metric": "accuracy + macro_f1",
    "meta": {"column": 3},
}


def write(path, *rows):
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return path


def test_a_line_becomes_an_item(tmp_path):
    (item,) = read_items(write(tmp_path / "set.jsonl", GOOD, ""))
    assert (item.kind, item.metric, item.split) == ("classification", "accuracy", "test")
    assert item.output == ("bad",) and item.choices == ("good", "bad")


def test_what_is_nearly_a_key_is_a_mistake_and_a_set_s_own_key_is_not(tmp_path):
    with pytest.raises(UsageError, match="set.jsonl:1: unknown key 'splti'; did you mean 'split'"):
        read_items(write(tmp_path / "set.jsonl", {**GOOD, "splti": "dev"}))
    assert len(read_items(write(tmp_path / "set.jsonl", {**GOOD, "source_id": 7, "year": 2})))


@pytest.mark.parametrize(
    ("change", "kind", "metric"),
    [
        ({"choices": ["A", "B"], "output": ["A"]}, "multiple_choice", "accuracy"),
        ({"choices": ["Yes", "No"], "output": ["no"]}, "yesno", "accuracy"),
        (
            {"choices": ["Entailment", "Contradiction"], "output": ["Entailment"]},
            "entailment",
            "accuracy",
        ),
        ({"metric": "micro_f1 (multi-label)", "output": ["good", "bad"]}, "multilabel", "micro_f1"),
        ({"kind": "entailment"}, "entailment", "accuracy"),
        ({"choices": None, "metric": "entity_f1"}, "ner", "set_f1"),
        ({"choices": None, "metric": "entity_f1", "output": []}, "ner", "set_f1"),
        ({"choices": None, "metric": "relation_f1"}, "relation", "set_f1"),
        ({"choices": None, "metric": "list_f1", "output": [["a", "b"], "c"]}, "list_qa", "list_f1"),
        ({"choices": None, "metric": "-", "output": [["a", "b"], "c"]}, "list_qa", "list_f1"),
        ({"choices": None, "metric": "numeric_match", "output": [3.5]}, "numeric", "numeric_match"),
        ({"choices": None, "metric": "rouge_l"}, "summarization", "rouge_l"),
        ({"choices": None, "metric": "exact_match_any / token_f1_any"}, "open_qa", "token_f1"),
        ({"choices": None, "metric": ""}, "open_qa", "token_f1"),
    ],
)
def test_kind_and_metric_are_inferred(tmp_path, change, kind, metric):
    (item,) = read_items(write(tmp_path / "set.jsonl", GOOD | change))
    assert (item.kind, item.metric) == (kind, metric)


def test_a_kind_is_inferred_from_the_whole_task(tmp_path):
    differing = [
        GOOD | {"id": "1", "choices": ["gold", "oil"], "output": ["oil"], "metric": "accuracy"},
        GOOD | {"id": "2", "choices": ["up", "down"], "output": ["up"], "metric": "accuracy"},
    ]
    items = read_items(write(tmp_path / "set.jsonl", *differing))
    assert [item.kind for item in items] == ["multiple_choice"] * 2
    synonyms = [
        GOOD | {"id": "1", "choices": [], "output": ["oil"], "metric": ""},
        GOOD | {"id": "2", "choices": [], "output": [["up", "rising"]], "metric": ""},
    ]
    items = read_items(write(tmp_path / "set.jsonl", *synonyms))
    assert [item.kind for item in items] == ["list_qa"] * 2


def test_without_a_task_the_file_names_it(tmp_path):
    row = {key: value for key, value in GOOD.items() if key != "task"}
    (item,) = read_items(write(tmp_path / "headlines.jsonl", row))
    assert item.task == "headlines"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "set.jsonl:2: not valid JSON"),
        ("[1]", "set.jsonl:2: expected a JSON object"),
        ({k: v for k, v in GOOD.items() if k != "id"}, "set.jsonl:2: 'id': missing"),
        (GOOD, "set.jsonl:2: 'id': '1' stands twice"),
        (
            GOOD | {"id": "2", "split": "dev"},
            "set.jsonl:2: 'split': asks what '1' asks, which is in test",
        ),
        (
            GOOD | {"id": "2", "kind": "numeric", "choices": [], "output": ["72"]},
            "set.jsonl:2: 'metric': accuracy compares texts, and a numeric answer is a number",
        ),
        (
            GOOD | {"id": "2", "metric": "acuracy"},
            "set.jsonl:2: 'metric': .*did you mean 'accuracy'",
        ),
        (GOOD | {"id": "2", "kind": "clasification"}, "'kind': .*did you mean 'classification'"),
        (GOOD | {"id": "2", "output": "bad"}, "'output': expected a list"),
        (GOOD | {"id": "2", "output": []}, "'output': expected a list"),
        (
            GOOD | {"id": "2", "output": ["baad"]},
            "'output': 'baad' is no choice; did you mean 'bad'",
        ),
        (GOOD | {"id": "2", "output": [None], "choices": []}, "'output': expected texts"),
        (GOOD | {"id": "2", "choices": "good"}, "'choices': expected a list of texts"),
        (
            GOOD | {"id": "2", "choices": ["good", "bad", "Good"]},
            "set.jsonl:2: 'choices': 'Good' stands twice",
        ),
        (GOOD | {"id": "2", "choices": [], "metric": "macro_f1"}, "'choices': macro_f1 needs"),
        (GOOD | {"id": "2", "metric": "macro_f1"}, "'metric': macro_f1, but task 'tone' has acc"),
        (GOOD | {"id": "2", "task": ["tone"]}, "'task': expected text"),
        (GOOD | {"id": "2", "input": 3}, "'input': expected text, got 3"),
        (
            GOOD | {"id": "2", "input": "", "instruction": ""},
            "both instruction and input are empty",
        ),
        (GOOD | {"id": "2", "split": "train"}, "'split': expected dev or test"),
    ],
)
def test_broken_lines_are_named(tmp_path, row, message):
    with pytest.raises(UsageError, match=message):
        read_items(write(tmp_path / "set.jsonl", GOOD, row))


def test_macro_f1_needs_the_same_choices_throughout(tmp_path):
    rows = [GOOD | {"metric": "macro_f1"}, GOOD | {"id": "2", "metric": "macro_f1"}]
    rows[1]["choices"] = ["good", "bad", "neutral"]
    with pytest.raises(UsageError, match=":2: 'choices': macro_f1 needs the same choices"):
        read_items(write(tmp_path / "set.jsonl", *rows))


def test_broken_files_are_named(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_items(tmp_path / "absent.jsonl")
    with pytest.raises(UsageError, match="holds no items"):
        read_items(write(tmp_path / "empty.jsonl", ""))
    (tmp_path / "latin.jsonl").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_items(tmp_path / "latin.jsonl")


def test_every_public_benchmark_loads_and_a_right_answer_scores():
    folder = os.environ.get("SELFSPEC_BENCHMARKS")
    if not folder:
        pytest.skip("SELFSPEC_BENCHMARKS names no folder")
    files = sorted(Path(folder).rglob("*.jsonl"))
    assert files
    for file in files:
        items = read_items(file)
        metric = METRICS[items[0].metric]
        answers = [", ".join(i.output) if i.kind in LIST_KINDS else i.output[0] for i in items]
        parsed = [parse(i.kind, a, i.choices) for i, a in zip(items, answers, strict=True)]
        counts = np.stack([*map(metric.counts, items, parsed)])
        # 0.99: a few sets hold an answer of another kind, such as "no" among numbers
        assert metric.value(counts.sum(0), float(len(items))) > 0.99, file
