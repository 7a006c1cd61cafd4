"""Numbers of variety against the classic formulas, and what must move them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.similarity.diversity import distinct, diversity, nearest, new_ngrams
from selfspec_core.similarity.text import rouge_l

TEXT = st.lists(st.sampled_from("abcdefgh"), max_size=9)


@dataclass
class Row:
    instruction: str
    input: str = ""


def test_distinct_counts_different_ngrams_per_ngram():
    texts = ["the cat sat".split(), "the cat ran".split()]
    assert distinct(texts, 1) == 4 / 6
    assert distinct(texts, 2) == 3 / 4
    assert distinct(texts, 4) == distinct([], 1) == 0.0


def test_new_ngrams_are_those_that_stand_nowhere_before():
    before = ["a b c d".split()]
    assert new_ngrams(["a b c x".split()], before, 3) == 1 / 2
    assert new_ngrams(["a b c d".split()], before, 3) == 0.0
    assert new_ngrams(["a b".split()], before, 3) == 0.0  # too short to have any
    assert new_ngrams(["p q r".split()], [], 3) == 1.0


@given(st.lists(TEXT, max_size=24))
def test_nearest_is_the_best_rouge_l_with_another_text(texts):
    joined = [" ".join(text) for text in texts]
    expected = [
        max((rouge_l(a, b) for j, b in enumerate(joined) if j != i), default=0.0)
        for i, a in enumerate(joined)
    ]
    assert nearest(texts) == pytest.approx(expected, abs=1e-9)


def test_nearest_is_exact_where_folding_deceives():
    """More than 256 different words: texts without a word in common may fold to the same."""
    rng = random.Random(3)
    words = [f"w{n}" for n in range(2000)]
    texts = [rng.sample(words, 12) for _ in range(300)]
    texts.append([*texts[7][:9], "x", "y", "z"])
    joined = [" ".join(text) for text in texts]
    found = nearest(texts)
    assert found[-1] == pytest.approx(rouge_l(joined[-1], joined[7]))
    for i in (0, 7, 150):
        best = max(rouge_l(joined[i], other) for j, other in enumerate(joined) if j != i)
        assert found[i] == pytest.approx(best, abs=1e-9)


def test_collapse_moves_every_number_the_way_the_limits_expect():
    rng = random.Random(0)
    words = [f"word{n}" for n in range(400)]
    seeds = [Row("Say what it is.", " ".join(rng.sample(words, 10))) for _ in range(20)]
    varied = [Row("Say what it is.", " ".join(rng.sample(words, 12))) for _ in range(60)]
    collapsed = [
        Row("Say what it is.", " ".join([*words[:11], rng.choice(words)])) for _ in range(60)
    ]
    first, later = diversity(varied, seeds), diversity(collapsed, [*seeds, *varied])
    assert first["texts"] == later["texts"] == 60
    assert later["distinct_1"] < first["distinct_1"]
    assert later["distinct_2"] < 0.5 * first["distinct_2"]
    assert later["nearest_mean"] > first["nearest_mean"] + 0.3
    repeated = diversity(varied, [*seeds, *varied])
    assert repeated["new_ngrams"] == 0 < first["new_ngrams"]


def test_a_fixed_wording_is_no_likeness_and_nothing_has_no_numbers():
    seeds = [Row("Name the mood of the text below in one word, please.", "a b c")]
    rows = [Row(seeds[0].instruction, "d e f"), Row(seeds[0].instruction, "g h i")]
    assert diversity(rows, seeds)["nearest_mean"] == 0.0
    assert diversity([], seeds) == {}


def test_of_very_many_texts_some_at_even_distances_stand_for_all(monkeypatch):
    rng = random.Random(5)
    texts = [[f"w{rng.randrange(60)}" for _ in range(8)] for _ in range(100)]
    every = nearest(texts)
    monkeypatch.setattr("selfspec_core.similarity.diversity.MOST", 40)
    assert nearest(texts) == [every[place * 100 // 40] for place in range(40)]


@given(st.lists(TEXT, max_size=12), st.lists(TEXT, max_size=12), st.integers(1, 3))
def test_ngrams_are_counted_as_tuples_of_words_would_be(texts, before, n):
    def grams(some):
        return [
            gram for text in some for gram in zip(*(text[at:] for at in range(n)), strict=False)
        ]

    own, known = set(grams(texts)), set(grams(before))
    assert distinct(texts, n) == (len(own) / len(grams(texts)) if own else 0.0)
    assert new_ngrams(texts, before, n) == (len(own - known) / len(own) if own else 0.0)
