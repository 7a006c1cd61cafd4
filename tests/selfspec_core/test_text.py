"""Words, compared texts and the encoding that rapidfuzz compares."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Indel

from selfspec_core.similarity.copies import length_bounds
from selfspec_core.similarity.text import Vocabulary, compared_text, rouge_l, unprintable, words

TEXTS = st.lists(st.sampled_from("a b c d e".split()), max_size=15).map(" ".join)


def test_words_are_unicode_words():
    assert words("Profit_rose 4.2%, it's ÉTÉ!") == "profit rose 4 2 it s été".split()
    assert words("株価が上昇 Ок ___") == [*"株価が上昇", "ок"]


def test_compared_text_drops_a_fixed_wording_only_when_verbatim():
    fixed = {"Is it good news?"}
    assert compared_text(" Is it good news? ", " Profit fell. ", fixed) == "Profit fell."
    assert (
        compared_text("Is it bad news?", "Profit fell.", fixed) == "Is it bad news?\nProfit fell."
    )
    assert compared_text("Is it good news?", "", fixed) == ""


def test_a_vocabulary_skips_surrogates():
    vocabulary = Vocabulary()
    encoded = vocabulary.encode_words([str(i) for i in range(60_000)])
    assert len(set(encoded)) == 60_000
    assert encoded.encode("utf-8")  # surrogates could not be
    assert vocabulary.encode_words(["7", "59999"]) == encoded[7] + encoded[59999]


@given(TEXTS, TEXTS)
def test_rouge_l_is_the_indel_similarity(a, b):
    vocabulary = Vocabulary()
    left, right = vocabulary.encode(a), vocabulary.encode(b)
    expected = Indel.normalized_similarity(left, right) if left and right else 0.0
    assert rouge_l(a, b) == pytest.approx(expected, abs=1e-12)


@given(TEXTS, TEXTS, st.sampled_from([0.3, 0.5, 0.7, 1.0]))
def test_length_bounds_exclude_no_copy(a, b, threshold):
    low, high = length_bounds(len(words(a)), threshold)
    if words(a) and rouge_l(a, b) >= threshold:
        assert low <= len(words(b)) <= high


@pytest.mark.parametrize(
    "char", ["\0", "\n", "\x7f", "\x9b", "\u200b", "\u202e", "\u2028", "\udc80"]
)
def test_a_character_that_a_terminal_acts_on_is_named(char):
    assert unprintable(f"a{char}b\t") == f"U+{ord(char):04X}"


@pytest.mark.parametrize(
    "text", ["", "a b", "Ångström √2", "金融\u3000", "می\u200cخواهم", "👩\u200d🔬", "\ue000"]
)
def test_whatever_else_is_text(text):
    assert unprintable(text) is None
