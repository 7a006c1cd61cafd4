"""Metrics: the textbook values, from counts that can be summed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfspec_core.errors import UsageError
from selfspec_core.measures.metrics import (
    GIVEN,
    METRIC_TEXTS,
    METRICS,
    NUMERIC,
    PRIMARY,
    metric_name,
)
from selfspec_core.types import KINDS, Item

TONE = ("positive", "negative", "neutral")


def item(output, kind="classification", choices=(), metric="accuracy"):
    return Item("1", "t", kind, "", "", tuple(output), metric, tuple(choices))


def score(name, pairs):
    """Returns the metric over (item, parsed) pairs."""
    metric = METRICS[name]
    counts = np.stack([metric.counts(item, parsed) for item, parsed in pairs])
    return float(metric.value(counts.sum(0), float(len(pairs))))


ANSWERS = st.lists(st.tuples(st.sampled_from(TONE), st.sampled_from([*TONE, None])), min_size=1)


@settings(deadline=None)  # the first import of sklearn takes a while
@given(ANSWERS)
def test_closed_metrics_equal_sklearn(answers):
    sklearn = pytest.importorskip("sklearn.metrics")
    gold = [g for g, _ in answers]
    said = [s or "unparsable" for _, s in answers]
    pairs = [(item([g], choices=TONE), s) for g, s in answers]
    present = sorted((set(gold) | set(said)) & set(TONE))
    macro = sklearn.f1_score(gold, said, labels=present, average="macro", zero_division=0)
    recall = sklearn.recall_score(
        gold, said, labels=sorted(set(gold)), average="macro", zero_division=0
    )
    assert score("macro_f1", pairs) == pytest.approx(macro)
    assert score("balanced_accuracy", pairs) == pytest.approx(recall)
    assert score("accuracy", pairs) == pytest.approx(sklearn.accuracy_score(gold, said))


LABELS = ("a", "b", "c")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(LABELS), min_size=1), st.sets(st.sampled_from(LABELS))),
        min_size=1,
    )
)
def test_multilabel_micro_f1_equals_sklearn(answers):
    sklearn = pytest.importorskip("sklearn.metrics")
    binary = [
        [[label in labels for label in LABELS] for labels in side]
        for side in zip(*answers, strict=True)
    ]
    expected = sklearn.f1_score(*map(np.array, binary), average="micro", zero_division=0)
    pairs = [(item(sorted(g), "multilabel", LABELS), tuple(sorted(s))) for g, s in answers]
    assert score("micro_f1", pairs) == pytest.approx(expected)


def test_multilabel_macro_f1_is_the_mean_over_labels():
    pairs = [
        (item(["a", "b"], "multilabel", LABELS), ("A", "c")),
        (item(["a"], "multilabel", LABELS), ("a",)),
        (item([], "multilabel", LABELS), ()),
        (item(["b"], "multilabel", LABELS), None),
    ]
    assert score("macro_f1", pairs) == pytest.approx((1 + 0 + 0) / 3)
    assert score("balanced_accuracy", pairs) == pytest.approx((1 + 0) / 2)


@pytest.mark.parametrize("name", sorted(METRICS.keys() - {GIVEN, *NUMERIC}))
def test_a_number_is_scored_as_one_or_not_at_all(name):
    with pytest.raises(UsageError, match=f"^{name} compares texts, .*expected numeric_match or"):
        metric_name(name, "numeric")


def test_resamples_are_one_matrix_product():
    metric = METRICS["macro_f1"]
    counts = np.stack(
        [
            metric.counts(item([g], choices=TONE), s)
            for g, s in zip(TONE * 4, TONE[::-1] * 4, strict=True)
        ]
    )
    weights = np.random.default_rng(0).multinomial(12, [1 / 12] * 12, size=5).astype(float)
    at_once = metric.value(weights @ counts, 12.0)
    one_by_one = [metric.value(w @ counts, 12.0) for w in weights]
    assert at_once.shape == (5,)
    assert at_once == pytest.approx(np.array(one_by_one))


def test_relation_labels_without_none():
    pairs = [
        (item(["none"], choices=("none", "effect")), "none"),
        (item(["effect"], choices=("none", "effect")), "none"),
        (item(["effect"], choices=("none", "effect")), "effect"),
    ]
    assert score("micro_f1_without_none", pairs) == pytest.approx(2 / 3)
    assert score("micro_f1", pairs) == score("accuracy", pairs) == pytest.approx(2 / 3)


def test_set_f1_pools_exact_spans():
    pairs = [
        (item(["Acme", "Borealis"], "ner"), ("acme", "Cobalt")),
        (item(["Na "], "ner"), ("na",)),
        (item(["Dune"], "ner"), None),
    ]
    assert score("set_f1", pairs) == pytest.approx(2 * 2 / (2 * 2 + 1 + 2))
    assert score("set_f1", [(item([], "ner"), ())]) == 1
    assert score("set_f1", [(item([], "ner"), None)]) == 0


def test_spans_with_commas_count_in_full():
    gold = item(["Silt, Sand and Gravel Works", "Acme, Inc."], "ner")
    assert score("set_f1", [(gold, ("Acme, Inc", "Silt", "Sand", "Gravel Works"))]) == 1


def test_list_f1_knows_synonyms():
    gold = item([("TNF", "tumour necrosis factor"), "IL-6"], "list_qa")
    assert score("list_f1", [(gold, ("tumour necrosis factor", "il-6"))]) == 1
    assert score("list_f1", [(gold, ("TNF", "tumour necrosis factor"))]) == pytest.approx(2 / 3)
    assert score("list_f1", [(gold, ("TNF", "wrong")), (gold, None)]) == pytest.approx(0.25)
    reloaded = item([["TNF", "tumour necrosis factor"], "IL-6"], "list_qa")
    assert score("list_f1", [(reloaded, ("TNF", "IL-6"))]) == 1


def test_token_f1_takes_the_best_accepted_answer():
    gold = item(["the net income", "net profit of a firm"], "open_qa")
    assert score("token_f1", [(gold, "Net income.")]) == 1
    assert score("token_f1", [(gold, "net profit")]) == pytest.approx(2 * 2 / (4 + 2))
    assert score("token_f1", [(gold, "loss")]) == 0
    assert score("exact_match", [(gold, "The net income!")]) == 1
    assert score("rouge_l", [(gold, "the income")]) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("gold", "said", "right"),
    [
        ("$4.2 million", 4_200_000.0, True),
        ("12 percent", 12.0, True),
        ("12%", 0.12, False),
        ("1,200", 1201.0, True),
        ("1,200", 1202.0, False),
        ("(3.4)", -3.4, True),
        ("0", 0.0, True),
        ("0.375", 37.5, True),
        ("0.375%", 37.5, False),
        ("340", "340 workers", True),
        ("many", 3.0, False),
    ],
)
def test_numeric_match(gold, said, right):
    assert score("numeric_match", [(item([gold], "numeric"), said)]) == right


def test_tolerance_of_one_percent():
    assert score("numeric_match_1e-2", [(item(["1.42403"], "numeric"), 1.42)]) == 1
    assert score("numeric_match", [(item(["1.42403"], "numeric"), 1.42)]) == 0


@pytest.mark.parametrize("name", METRICS)
def test_unparsable_scores_nothing(name):
    gold = item(["yes"], "yesno", ("yes", "no"))
    assert score(name, [(gold, None)]) == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("accuracy + macro_f1", "accuracy"),
        ("exact_match_any / token_f1_any", "token_f1"),
        ("numeric_match (rel. tol. 1e-2)", "numeric_match_1e-2"),
        ("micro_f1 (multi-label)", "micro_f1"),
        ("entity_f1", "set_f1"),
        ("Macro-F1", "macro_f1"),
        ("ROUGE-L", "rouge_l"),
        ("-", "macro_f1"),
        ("f1(yes)", "macro_f1"),
    ],
)
def test_metric_texts(text, name):
    assert metric_name(text, "classification") == name


def test_unknown_metric_names_the_nearest():
    with pytest.raises(UsageError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        metric_name("acuracy", "classification")


def test_every_kind_has_a_metric_and_every_text_a_meaning():
    assert set(PRIMARY) == set(KINDS)
    assert set(PRIMARY.values()) | set(METRIC_TEXTS.values()) <= set(METRICS)
    assert all(metric_name(name) == name for name in METRICS.keys() - {GIVEN})


def test_no_file_can_name_the_metric_of_an_evaluator():
    with pytest.raises(UsageError) as error:
        metric_name(GIVEN)
    assert GIVEN not in str(error.value).partition(";")[2]
