"""What lm-eval calls to score exported tasks as selfspec does: same parser, same metrics.

A document's score is the counts of its metric (`selfspec_core.measures.metrics`), so that a score
over documents is that of the items and not a mean of shares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from selfspec_core.measures.metrics import METRICS
from selfspec_core.measures.parsing import parse
from selfspec_core.types import Item

Doc = dict[str, Any]


def rows(file: Path) -> dict[str, Any]:
    """Returns the documents of a task by lm-eval's names of splits."""
    from datasets import Dataset

    splits: dict[str, list[Doc]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        doc = json.loads(line)
        splits.setdefault(doc.pop("split"), []).append(doc)
    return {split: Dataset.from_list(docs) for split, docs in splits.items()}


def written(doc: Doc, results: Sequence[str]) -> dict[str, Any]:
    """Scores a written answer, read by the lenient parser."""
    item = _item(doc)
    return _counted(item, parse(item.kind, results[0], item.choices))


def likeliest(doc: Doc, results: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    """Scores the choice of the highest summed log-probability."""
    item, weights = _item(doc), [weight for weight, _ in results]
    return _counted(item, item.choices[weights.index(max(weights))])


def aggregate(metric: str) -> Callable[[Sequence[Sequence[float]]], float]:
    """Returns what makes one score of the counts of all documents."""

    def score(counts: Sequence[Sequence[float]]) -> float:
        return float(METRICS[metric].value(np.sum(counts, axis=0), float(len(counts))))

    return score


def _item(doc: Doc) -> Item:
    return Item.from_dict({"output": (), **json.loads(doc["item"])})


def _counted(item: Item, parsed: Any) -> dict[str, Any]:
    counts = METRICS[item.metric].counts(item, parsed).tolist()
    return {item.metric: counts, "parsable": float(parsed is not None)}
