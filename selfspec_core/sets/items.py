"""Reads evaluation items from JSON lines: a domain's tasks, and whatever `--benchmark` names.

A line holds `id, task, instruction, input, output, metric` and, where they apply, `choices`,
`kind`, `split` and `meta`. Files made elsewhere seldom say `kind`; a task's kind is then inferred:

- with `choices`: multilabel if the metric says so; yesno and entailment by the choices' words;
  multiple_choice if the choices differ from item to item, are single letters, are long (five words
  on average), or the task says "multiple choice"; otherwise classification;
- without: by the metric (set F1: ner, or relation where metric or task say so; list F1:
  list_qa; numeric: numeric; ROUGE: summarization); list_qa where an answer is a list of synonyms;
  otherwise open_qa.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from selfspec_core.errors import UsageError, nearest
from selfspec_core.jsonl import check_id, read_jsonl, repeated
from selfspec_core.measures.metrics import METRICS, PRIMARY, metric_name
from selfspec_core.types import KINDS, LIST_KINDS, Item, Kind

Row = dict[str, Any]

_YES_NO = frozenset({"yes", "no", "maybe"})
_ENTAILMENT = frozenset(
    "entailment contradiction neutral entailed contradicted supported refuted supports refutes "
    "support refute unknown".split()
) | {"not enough info", "not mentioned", "not entailment", "not_entailment", "not entailed"}
_BY_METRIC: dict[str, Kind] = {
    "set_f1": "ner",
    "list_f1": "list_qa",
    "numeric_match": "numeric",
    "numeric_match_1e-2": "numeric",
    "rouge_l": "summarization",
}
_READ = frozenset("id task kind instruction input output choices metric split".split())
ITEM_KEYS = _READ | {"source", "licence", "meta"}
"""Keys of an item; the last three are for people and are not read."""


def read_items(path: Path) -> list[Item]:
    """Reads a file of evaluation items.

    Args:
        path: JSON lines, UTF-8; empty lines are skipped. Without `task` the file's stem names it.

    Raises:
        UsageError: naming file, line and key, and what was expected.
    """
    return parse_items(
        [(where, {"task": path.stem} | row) for where, row in read_jsonl(path, str(path))],
        str(path),
    )


def parse_items(rows: list[tuple[str, Row]], label: str) -> list[Item]:
    """Checks rows of (`file:line`, object) and returns the items.

    Raises:
        UsageError: naming file, line and key, and what was expected.
    """
    if not rows:
        raise UsageError(f"{label}: holds no items; expected one JSON object a line")
    kinds = _kinds(rows)
    items: dict[str, Item] = {}
    tasks: dict[str, Item] = {}
    asked: dict[tuple[Any, ...], Item] = {}
    for where, row in rows:
        item = _item(where, row, kinds)
        check_id(item.id, where)
        if item.id in items:
            raise UsageError(f"{where}: 'id': '{item.id}' stands twice in this file")
        _check_same_task(where, item, tasks.setdefault(item.task, item))
        twin = asked.setdefault((item.task, item.instruction, item.input, item.choices), item)
        if twin.split != item.split:
            raise UsageError(
                f"{where}: 'split': asks what '{twin.id}' asks, which is in {twin.split}; choices "
                "are made by dev, so test may not hold the same"
            )
        items[item.id] = item
    return list(items.values())


def _check_same_task(where: str, item: Item, first: Item) -> None:
    """Refuses items of one task that could not be scored together."""
    if item.metric != first.metric:
        raise UsageError(
            f"{where}: 'metric': {item.metric}, but task '{item.task}' has {first.metric} above; "
            "a task has one metric"
        )
    if METRICS[item.metric].per_choice and item.choices != first.choices:
        raise UsageError(
            f"{where}: 'choices': {item.metric} needs the same choices throughout task "
            f"'{item.task}'; where they differ use accuracy"
        )


def _check_keys(where: str, row: Row) -> None:
    """Refuses what is nearly a key that is read; a public set may well have keys of its own."""
    for key in row.keys() - ITEM_KEYS:
        if near := get_close_matches(key, _READ - row.keys(), n=1, cutoff=0.8):
            raise UsageError(f"{where}: unknown key '{key}'; did you mean '{near[0]}'?")


def _item(where: str, row: Row, kinds: dict[str, Kind]) -> Item:
    _check_keys(where, row)
    choices = _strings(where, row, "choices")
    task = _text(where, row, "task")
    kind = kinds[task] if row.get("kind") is None else row["kind"]
    if kind not in KINDS:
        raise UsageError(f"{where}: 'kind': '{kind}'{nearest(str(kind), KINDS)}")
    try:
        metric = metric_name(_text(where, row, "metric", ""), kind)
    except UsageError as error:
        raise UsageError(f"{where}: 'metric': {error}") from None
    if METRICS[metric].per_choice and not choices:
        raise UsageError(f"{where}: 'choices': {metric} needs the list of choices")
    split = row.get("split", "test")
    if split not in ("dev", "test"):
        raise UsageError(f"{where}: 'split': expected dev or test, got {split!r}")
    item = Item(
        id=_text(where, row, "id"),
        task=task,
        kind=kind,
        instruction=_text(where, row, "instruction", ""),
        input=_text(where, row, "input", ""),
        output=_output(where, row, kind, choices),
        metric=metric,
        choices=choices,
        split=split,
    )
    if not (item.instruction.strip() or item.input.strip()):
        raise UsageError(f"{where}: 'input': both instruction and input are empty")
    return item


def _text(where: str, row: Row, key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if value is None and key not in row:
        raise UsageError(f"{where}: '{key}': missing{nearest(key, row.keys() - ITEM_KEYS)}")
    if key == "id" and isinstance(value, int):
        value = str(value)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise UsageError(f"{where}: '{key}': expected text, got {value!r}")
    return value


def _strings(where: str, row: Row, key: str) -> tuple[str, ...]:
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise UsageError(f"{where}: '{key}': expected a list of texts, got {value!r}")
    if twice := repeated(value):
        raise UsageError(f"{where}: '{key}': '{twice}' stands twice")
    return tuple(value)


def _output(where: str, row: Row, kind: Kind, choices: tuple[str, ...]) -> tuple[Any, ...]:
    value = row.get("output")
    if not isinstance(value, list) or not (value or kind in LIST_KINDS):
        raise UsageError(f"{where}: 'output': expected a list of accepted answers, got {value!r}")
    answers = tuple(tuple(map(str, v)) if isinstance(v, list) and v else v for v in value)
    if not all(isinstance(a, str | int | float | tuple) for a in answers):
        raise UsageError(f"{where}: 'output': expected texts or lists of synonyms, got {value!r}")
    answers = tuple(a if isinstance(a, tuple) else str(a) for a in answers)
    known = {choice.lower() for choice in choices}
    for answer in answers if choices else ():
        if str(answer).lower() not in known:
            raise UsageError(
                f"{where}: 'output': '{answer}' is no choice{nearest(str(answer), choices)}"
            )
    return answers


def _kinds(rows: list[tuple[str, Row]]) -> dict[str, Kind]:
    """Infers the kind of each task from all of its lines."""
    by_task: dict[str, list[tuple[str, Row]]] = {}
    for where, row in rows:
        by_task.setdefault(_text(where, row, "task"), []).append((where, row))
    return {task: _kind(task.lower(), group) for task, group in by_task.items()}


def _kind(task: str, rows: list[tuple[str, Row]]) -> Kind:
    metric = _text(*rows[0], "metric", "").lower()
    offered = {_strings(where, row, "choices") for where, row in rows}
    if all(offered):
        return _closed_kind(f"{metric} {task}", offered)
    try:
        name = metric_name(metric)
    except UsageError:  # left open, or unknown: said where the metric is read
        name = PRIMARY["open_qa"]
    if name == "set_f1" and "relation" in f"{metric} {task}":
        return "relation"
    outputs = [row.get("output") for _, row in rows]
    answers = [answer for output in outputs if isinstance(output, list) for answer in output]
    synonyms = any(isinstance(answer, list) for answer in answers)
    return _BY_METRIC.get(name, "list_qa" if synonyms else "open_qa")


def _closed_kind(text: str, offered: set[tuple[str, ...]]) -> Kind:
    """Infers the kind from metric and task texts and from every list of choices."""
    choices = {choice.lower() for each in offered for choice in each}
    if re.search(r"multi[- _]?label", text):
        return "multilabel"
    if choices <= _YES_NO:
        return "yesno"
    if choices <= _ENTAILMENT:
        return "entailment"
    long = sum(len(choice.split()) for choice in choices) >= 5 * len(choices)
    differ = len({frozenset(each) for each in offered}) > 1
    letters = max(map(len, choices)) == 1
    asked = re.search(r"multiple[- _]choice", text)
    return "multiple_choice" if long or differ or letters or asked else "classification"
