"""The closed list of metrics, each as counts per item that a bootstrap can resample.

A metric turns an item and its parsed answer into k numbers. The score of any (re)sample of items
is a function of the sums of these numbers alone, so that all resamples of a bootstrap are one
matrix product of resample weights with counts; see `selfspec_core.measures.statistics`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selfspec_core.errors import UsageError, nearest
from selfspec_core.measures import scoring
from selfspec_core.types import Item, Kind

Floats = NDArray[np.float64]


class Metric:
    """A score in [0, 1] of a set of items.

    This base class is the mean over items of one number per item (k = 1).

    Attributes:
        per_choice: counts are kept for each of the item's choices, which a task's items share.
    """

    per_choice = False

    def __init__(self, name: str, summary: str, score: Callable[[Item, Any], float]) -> None:
        self.name = name
        self.summary = summary
        self._score = score

    def counts(self, item: Item, parsed: Any) -> Floats:
        """Returns the k counts of one item; `parsed` is None for an unparsable answer."""
        return np.array([0.0 if parsed is None else self._score(item, parsed)])

    def value(self, sums: Floats, n: Floats | float) -> Floats:
        """Returns scores [...] of samples with summed counts `sums` [..., k] over `n` items."""
        return _ratio(sums[..., 0], n)


class MicroF1(Metric):
    """F1 of all decisions together: counts are true positives, false positives, false negatives.

    A sample in which nothing is there to be found, and nothing is said, scores 1.
    """

    def __init__(self, name: str, summary: str, sets: Callable[[Item, Any], scoring.Sets]) -> None:
        super().__init__(name, summary, lambda item, parsed: 0.0)
        self._sets = sets

    def counts(self, item: Item, parsed: Any) -> Floats:
        """Returns (tp, fp, fn); unparsable misses all, or is one false positive."""
        gold, said = self._sets(item, () if parsed is None else parsed)
        silent = float(parsed is None and not gold)
        return np.array([len(gold & said), len(said - gold) + silent, len(gold - said)], float)

    def value(self, sums: Floats, n: Floats | float) -> Floats:
        """Returns 2 tp / (2 tp + fp + fn)."""
        right, decided = 2 * sums[..., 0], 2 * sums[..., 0] + sums[..., 1] + sums[..., 2]
        return np.where(decided > 0, _ratio(right, decided), 1.0)


class PerChoice(Metric):
    """Mean over choices of a ratio; counts are (tp, fp, fn) of each choice in the item's order.

    Macro-F1 averages over the choices that occur in the sample, as an accepted or a given answer;
    balanced accuracy, the mean recall, over those that occur as accepted answers. An unparsable
    answer is a false negative of the right choice and a false positive of none. (The conventions
    of scikit-learn's `f1_score(average="macro")` and `balanced_accuracy_score`.) Of a multilabel
    item each accepted label counts.
    """

    per_choice = True

    def __init__(self, name: str, summary: str, false_positives: bool) -> None:
        super().__init__(name, summary, lambda item, parsed: 0.0)
        self._false_positives = float(false_positives)

    def counts(self, item: Item, parsed: Any) -> Floats:
        """Returns 3 counts for each choice, flattened."""
        gold, said = scoring.labels(item, () if parsed is None else parsed)
        choices = map(scoring.folded, item.choices)
        sides = [(choice in gold, choice in said) for choice in choices]
        return np.array([[g and s, s and not g, g and not s] for g, s in sides], float).ravel()

    def value(self, sums: Floats, n: Floats | float) -> Floats:
        """Returns the mean over choices of 2 tp / (2 tp + fp + fn), or of tp / (tp + fn)."""
        tp, fp, fn = (sums[..., i::3] for i in range(3))
        weight = self._false_positives
        whole = (1 + weight) * tp + weight * fp + fn
        return _ratio(_ratio((1 + weight) * tp, whole).sum(-1), (whole > 0).sum(-1))


def _ratio(part: Floats, whole: Floats | float) -> Floats:
    """Divides; 0 where the whole is 0."""
    whole = np.broadcast_to(np.asarray(whole, float), np.shape(part))
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


GIVEN = "given"
"""The metric of items that their evaluator scores itself; no file of items can name it."""

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "share of right answers", scoring.accuracy),
        PerChoice("macro_f1", "F1 of each choice, averaged", false_positives=True),
        PerChoice("balanced_accuracy", "recall of each choice, averaged", false_positives=False),
        MicroF1("micro_f1", "F1 of all labels together", scoring.labels),
        MicroF1(
            "micro_f1_without_none",
            "the same, the label `none` left out",
            scoring.labels_without_none,
        ),
        MicroF1("set_f1", "F1 of exact spans, all items together", scoring.spans),
        Metric("list_f1", "F1 of list members with synonyms, mean over items", scoring.list_f1),
        Metric("token_f1", "token overlap (SQuAD) with the best accepted answer", scoring.token_f1),
        Metric("numeric_match", "same number within 0.1 %", scoring.numeric(1e-3)),
        Metric("numeric_match_1e-2", "same number within 1 %", scoring.numeric(1e-2)),
        Metric("rouge_l", "ROUGE-L F1 with the best accepted answer", scoring.rouge_l),
        Metric("exact_match", "equal to an accepted answer after SQuAD's clean-up", scoring.exact),
        Metric(GIVEN, "score that the evaluator gave", lambda item, parsed: float(parsed)),
    )
}
"""Every metric there is, by name."""

NUMERIC = ("numeric_match", "numeric_match_1e-2")
"""The metrics of kind `numeric`, whose answers are parsed to a number."""

PRIMARY: dict[Kind, str] = {
    "classification": "macro_f1",
    "yesno": "macro_f1",
    "entailment": "macro_f1",
    "multiple_choice": "accuracy",
    "multilabel": "micro_f1",
    "ner": "set_f1",
    "relation": "set_f1",
    "list_qa": "list_f1",
    "extractive_qa": "token_f1",
    "open_qa": "token_f1",
    "numeric": "numeric_match",
    "summarization": "rouge_l",
}
"""The metric of a kind where nothing else is asked for."""

_SPELLINGS: dict[str, str] = {
    "accuracy": "accuracy acc micro_accuracy",
    "macro_f1": "macro_f1 f1_macro macrof1 macro_averaged_f1",
    "balanced_accuracy": "balanced_accuracy balanced_acc macro_recall uar",
    "micro_f1": "micro_f1 f1_micro microf1 micro_averaged_f1",
    "micro_f1_without_none": "micro_f1_without_none micro_f1_no_none",
    "set_f1": "set_f1 entity_f1 span_f1 ner_f1 strict_f1 relation_f1 triple_f1 entity_micro_f1",
    "list_f1": "list_f1 list_f1_with_synonyms",
    "token_f1": "token_f1 token_f1_any squad_f1 best_token_f1 exact_match_any_/_token_f1_any",
    "numeric_match": "numeric_match numeric numeric_accuracy execution_accuracy",
    "numeric_match_1e-2": "numeric_match_1e_2 numeric_match_(rel._tol._1e_2)",
    "rouge_l": "rouge_l rougel rouge rouge_l_f1 rougelsum",
    "exact_match": "exact_match exact_match_any em",
}
METRIC_TEXTS = {text: name for name, texts in _SPELLINGS.items() for text in texts.split()}
"""What files of items call a metric (lower case, `_` for spaces and hyphens) -> its name."""


def metric_name(text: str, kind: Kind | None = None) -> str:
    """Returns the primary metric that a file's `metric` text means.

    Of several (`accuracy + macro_f1`) the first known one is primary. A text that leaves it open
    (empty, `-`, `f1`, `f1(yes)`) means the primary metric of `kind`.

    Raises:
        UsageError: naming the nearest known metric, or those that suit the kind.
    """
    name = _named(text, kind)
    if kind == "numeric" and name not in NUMERIC:
        raise UsageError(
            f"{name} compares texts, and a numeric answer is a number: 72 would not be 72.0; "
            f"expected {' or '.join(NUMERIC)}"
        )
    return name


def _named(text: str, kind: Kind | None) -> str:
    """Returns the metric that a text names, whether or not it suits the kind."""
    key = re.sub(r"[\s_-]+", "_", text.strip().lower()).strip("_")
    if key in METRIC_TEXTS:
        return METRIC_TEXTS[key]
    for part in re.split(r"\+|/|,|;|\band\b", re.sub(r"\(.*?\)", "", key)):
        if part.strip("_") in METRIC_TEXTS:
            return METRIC_TEXTS[part.strip("_")]
    if kind is not None and (not key or re.match(r"f1\b", key)):
        return PRIMARY[kind]
    raise UsageError(f"unknown metric '{text}'{nearest(key, set(METRIC_TEXTS.values()))}")
