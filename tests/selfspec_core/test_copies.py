"""Near-copies are found exactly, whichever of the fast ways looks for them."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfspec_core.similarity import copies, prefix_index
from selfspec_core.similarity.copies import Pool
from selfspec_core.similarity.text import Vocabulary, rouge_l_encoded, words

rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")

WORDS = [*"a b c d e f g h i j k l m".split(), "été", "цена", "日", "本", "profit"]
THRESHOLDS = [0.2, 0.5, 2 / 3, 0.7, 0.8, 1.0]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14)


class Tokenizer:
    def tokenize(self, text):
        return words(text)


SCORER = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Tokenizer())


@pytest.fixture
def always_indexed(monkeypatch):
    """The index answers everything it can, however small the pool."""
    monkeypatch.setattr(copies, "_UNINDEXED", 0)
    monkeypatch.setattr(copies, "_BALANCE", 0)
    monkeypatch.setattr(prefix_index, "_MOST_MET", float("inf"))
    monkeypatch.setattr(prefix_index, "_MOST_FOUND", float("inf"))


def classic(texts, threshold):
    """Compares each with everything before it, one by one."""
    found = {}
    for place, text in enumerate(texts):
        scores = [
            SCORER.score(" ".join(e), " ".join(text))["rougeL"].fmeasure for e in texts[:place]
        ]
        best = max(scores, default=0.0)
        if scores and best >= threshold:
            found[place] = (f"id{scores.index(best)}", best)
    return found


def fast(texts, threshold, block):
    vocabulary, pool, found = Vocabulary(), Pool(threshold), {}
    for start in range(0, len(texts), block):
        part = enumerate(texts[start : start + block], start)
        places = [pool.add(f"id{n}", vocabulary.encode_words(text)) for n, text in part]
        found |= pool.nearest(places)
    return found


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(TEXT, max_size=30),
    copied=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 13), st.sampled_from(WORDS))),
    threshold=st.sampled_from(THRESHOLDS),
    block=st.integers(1, 12),
)
@pytest.mark.parametrize("indexed", [True, False])
def test_finds_what_the_classic_loop_finds(indexed, texts, copied, threshold, block, request):
    if indexed:
        request.getfixturevalue("always_indexed")
    for source, at, word in copied if texts else ():
        text = [*texts[source % len(texts)]]
        text[at % len(text)] = word
        texts = [*texts, text]
    assert fast(texts, threshold, block) == classic(texts, threshold)


@pytest.mark.parametrize("indexed", [True, False])
def test_a_score_of_just_the_threshold_is_found(indexed, request):
    if indexed:
        request.getfixturevalue("always_indexed")
    for first, second, common in [(3, 3, 2), (4, 6, 4), (10, 10, 8), (40, 40, 28), (9, 31, 6)]:
        texts = [
            ["same"] * common + ["one"] * (first - common),
            ["same"] * common + ["two"] * (second - common),
        ]
        score = classic(texts, 0.01)[1][1]
        assert fast(texts, score, 1) == {1: ("id0", score)}
        assert fast(texts, score + 1e-12, 1) == {}


def test_a_pool_of_which_a_part_is_indexed_and_a_part_is_everyday_words():
    draw = random.Random(5)
    weights = [1 / (rank + 2) for rank in range(3000)]
    texts = []
    for _ in range(1800):
        text = draw.choices(range(3000), weights, k=draw.randint(5, 30))
        if texts and draw.random() < 0.3:
            text = [*draw.choice(texts)]
            text[draw.randrange(len(text))] = draw.randrange(3000)
        elif draw.random() < 0.1:  # met by nearly every other: no index helps
            text = [number % 4 for number in text]
        texts.append(text)
    vocabulary = Vocabulary()
    encoded = [vocabulary.encode_words([*map(str, text)]) for text in texts]
    expected = {}
    for place, text in enumerate(encoded):
        scores = [rouge_l_encoded(other, text) for other in encoded[:place]]
        best = max(scores, default=0.0)
        if best >= 0.7:
            expected[place] = (f"id{scores.index(best)}", best)
    assert fast([[*map(str, text)] for text in texts], 0.7, 200) == expected
    assert len(expected) > 500


def test_the_index_leaves_most_of_a_pool_out(always_indexed):
    draw = random.Random(2)
    texts = ["".join(chr(draw.randrange(1, 500)) for _ in range(20)) for _ in range(400)]
    index = prefix_index.PrefixIndex(texts, 0.7 / 1.3)
    found = [*index.candidates(texts)]
    assert all(place in own for place, own in enumerate(found))
    assert sum(map(len, found)) < 5 * len(texts)


def test_texts_without_words_are_no_copies():
    pool = Pool(0.7)
    assert pool.nearest([]) == {}
    assert pool.nearest([pool.add("1", ""), pool.add("2", ""), pool.add("3", "a")]) == {}
