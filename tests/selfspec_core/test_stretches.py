"""Near-copies in a stretch of a row, against every stretch compared by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from selfspec_core.similarity.stretches import COMMON, Stretches
from selfspec_core.similarity.text import Vocabulary, rouge_l_encoded

few_words = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=14).map("".join)


def shares_a_run(a, b):
    return any(a[at : at + COMMON] in b for at in range(len(a) - COMMON + 1))


def best(text, row):
    places = range(len(row) + 1)
    return max(rouge_l_encoded(text, row[a:b]) for a in places for b in places if a <= b)


@settings(max_examples=300, deadline=None)
@given(few_words, few_words, st.integers(5, 9))
def test_as_every_stretch_by_itself_would_have_it(text, row, tenths):
    stretches = Stretches([text], tenths)
    found = stretches.find(row, stretches.sharing(row))
    assert (found == 0) == (shares_a_run(text, row) and best(text, row) >= tenths / 10 - 1e-9)


@settings(max_examples=100, deadline=None)
@given(st.lists(few_words, max_size=6), few_words)
def test_the_index_knows_who_shares_a_run(texts, row):
    shared = [at for at, text in enumerate(texts) if shares_a_run(text, row)]
    assert Stretches(texts).sharing(row).tolist() == shared


def test_code_points_beyond_the_first_plane_are_words_too():
    vocabulary = Vocabulary()
    texts = [vocabulary.encode(f"w{n} w{n + 1} w{n + 2} w{n + 3}") for n in range(0, 120_000, 4)]
    stretches = Stretches(texts)
    at = 29_000
    row = vocabulary.encode(f"so w{4 * at} w{4 * at + 1} new w{4 * at + 2} w{4 * at + 3} it was")
    assert stretches.find(row, stretches.sharing(row)) is None  # no run of three is left
    row = vocabulary.encode(f"so w{4 * at} w{4 * at + 1} w{4 * at + 2} new w{4 * at + 3} it was")
    assert stretches.find(row, stretches.sharing(row)) == at


def test_nothing_is_found_in_nothing():
    for texts in ([], [""], ["ab"]):
        stretches = Stretches(texts)
        assert stretches.find("", stretches.sharing("")) is None
        assert stretches.find("ab", np.arange(0)) is None
