"""Rows of a table: a system without likelihoods is left out of one table, and alone."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from selfspec_core.composing.scores import score
from selfspec_core.config import Settings
from selfspec_core.measures.rows import by_likelihood, score_row, sizes_of, with_choices
from selfspec_core.measures.statistics import Bootstrap, tabulate
from selfspec_core.stages.asking import EvaluationSet
from selfspec_core.stages.evaluate import _compare
from selfspec_core.types import Item, Prediction

ITEMS = [
    Item(f"i{n}", "tone", "classification", "?", f"{n}", ("up",), "accuracy", ("up", "down"))
    for n in range(4)
]
OPEN = Item("open", "why", "open_qa", "?", "x", ("so",), "token_f1")
OTHERS = [
    Prediction(system, item.id, "down", "down", likeliest=likely)
    for system, likely in (("a@0", "up"), ("b@0", None))
    for item in ITEMS
]


def said(system):
    own = [row for row in OTHERS if row.system == system]
    return [*own, replace(own[0], item="open", parsed="so", likeliest=None)]


def test_an_answer_by_likelihood_is_of_items_with_choices():
    items = [*ITEMS, OPEN]
    assert sizes_of(items) == {"tone": 4, "why": 1}
    assert with_choices(items) == ITEMS
    assert [row.parsed for row in by_likelihood(ITEMS, said("a@0"))] == ["up"] * 4
    assert by_likelihood(ITEMS, said("b@0")) == []
    part = [replace(OTHERS[0], likeliest=None), *OTHERS[1:4]]
    assert by_likelihood(ITEMS, part) == []


def test_a_row_has_the_score_first():
    row = score_row(Bootstrap({"tone": 4}, 100), tabulate(ITEMS, OTHERS[:4]))
    assert list(row) == ["macro", "low", "high", "n", "parsable", "tasks"]
    assert row["macro"] == 0.0 and row["n"] == 4


def test_only_the_system_without_likelihoods_is_left_out():
    context = SimpleNamespace(settings=Settings())
    own = EvaluationSet("d", (*ITEMS, OPEN), None)
    asked = {system: {"d": said(system)} for system in ("a@0", "b@0")}
    table = _compare(own, asked, context)
    assert set(table["systems"]) == {"a@0", "b@0"}
    assert set(table["likelihood"]["systems"]) == {"a@0"}
    composed = score({"d": own}, asked, "a@0", context)
    assert set(composed["all"]["systems"]) == {"a@0", "b@0"}
    assert set(composed["likelihood"]["all"]["systems"]) == {"a@0"}
