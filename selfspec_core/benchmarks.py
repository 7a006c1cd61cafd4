"""Reads evaluation items from JSON lines: a domain's tasks, and whatever `--benchmark` names.

A line holds `id, task, instruction, input, output, metric` and, where they apply, `choices`,
`kind`, `split` and `meta`. Files made elsewhere seldom say `kind`; it is then inferred:

- with `choices`: multilabel if the metric says so; multiple_choice if the choices are single
  letters or long (five words or more on average) or the task says "multiple choice"; yesno and
  entailment by the choices' words; otherwise classification;
- without: by the metric (set F1: ner, or relation where metric or task say so; list F1:
  list_qa; numeric: numeric; ROUGE: summarization); list_qa where an answer is a list of synonyms;
  otherwise open_qa.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selfspec_core.errors import UsageError, nearest
from selfspec_core.metrics import METRICS, PRIMARY, metric_name
from selfspec_core.types import KINDS, LIST_KINDS, Item, Kind

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
_KEYS = {"id", "task", "kind", "instruction", "input", "output", "choices", "metric", "split"}


def read_items(path: Path) -> list[Item]:
    """Reads a file of evaluation items.

    Args:
        path: JSON lines, UTF-8; empty lines are skipped. Without `task` the file's stem names it.

    Raises:
        UsageError: naming file, line and key, and what was expected.
    """
    items: list[Item] = []
    seen: set[str] = set()
    for where, row in _rows(path):
        item = _item(where, row, path.stem)
        if item.id in seen:
            raise UsageError(f"{where}: 'id': '{item.id}' stands twice in this file")
        seen.add(item.id)
        items.append(item)
    if not items:
        raise UsageError(f"{path}: holds no items; expected one JSON object a line")
    return items


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError):
        raise UsageError(f"{path}: no such file of items") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}") from None
    for number, line in enumerate(text.split("\n"), start=1):  # U+2028 within a line is text
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise UsageError(f"{path}:{number}: not JSON: {error.msg}") from None
            if not isinstance(row, dict):
                raise UsageError(f"{path}:{number}: expected a JSON object with 'id', 'input', …")
            yield f"{path}:{number}", row


def _item(where: str, row: dict[str, Any], stem: str) -> Item:
    choices = _strings(where, row, "choices")
    kind = _kind(where, row, choices)
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
        task=_text(where, row, "task", stem),
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


def _text(where: str, row: dict[str, Any], key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if value is None and key not in row:
        raise UsageError(f"{where}: '{key}': missing{nearest(key, row.keys() - _KEYS)}")
    if key == "id" and isinstance(value, int):
        value = str(value)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise UsageError(f"{where}: '{key}': expected text, got {value!r}")
    return value


def _strings(where: str, row: dict[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
        raise UsageError(f"{where}: '{key}': expected a list of texts, got {value!r}")
    return tuple(value)


def _output(where: str, row: dict[str, Any], kind: Kind, choices: tuple[str, ...]) -> tuple:
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


def _kind(where: str, row: dict[str, Any], choices: tuple[str, ...]) -> Kind:
    if row.get("kind") is not None:
        if row["kind"] not in KINDS:
            raise UsageError(f"{where}: 'kind': '{row['kind']}'{nearest(str(row['kind']), KINDS)}")
        return row["kind"]
    metric, task = str(row.get("metric", "")).lower(), str(row.get("task", "")).lower()
    if choices:
        return _closed_kind(metric, task, choices)
    try:
        name = metric_name(metric)
    except UsageError:  # left open, or unknown: said where the metric is read
        name = PRIMARY["open_qa"]
    if name == "set_f1" and "relation" in f"{metric} {task}":
        return "relation"
    synonyms = any(isinstance(answer, list) for answer in row.get("output") or ())
    return _BY_METRIC.get(name, "list_qa" if synonyms else "open_qa")


def _closed_kind(metric: str, task: str, choices: tuple[str, ...]) -> Kind:
    folded = {choice.lower() for choice in choices}
    if re.search(r"multi[- _]?label", f"{metric} {task}"):
        return "multilabel"
    long = sum(len(choice.split()) for choice in choices) >= 5 * len(choices)
    if long or max(map(len, choices)) == 1 or re.search(r"multiple[- _]choice", task):
        return "multiple_choice"
    if folded <= _YES_NO:
        return "yesno"
    return "entailment" if folded <= _ENTAILMENT else "classification"
