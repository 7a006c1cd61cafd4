"""The novelty filter decides exactly as the classic loop does, only faster."""

from __future__ import annotations

import random
import time
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfspec_core.similarity.text import compared_text, words
from selfspec_core.types import Instruction, Seed
from selfspec_plugins.novelty import Novelty, NoveltySettings

rouge_scorer = pytest.importorskip("rouge_score.rouge_scorer")


class Tokenizer:
    def tokenize(self, text):
        return words(text)


SCORER = rouge_scorer.RougeScorer(["rougeL"], tokenizer=Tokenizer())


def seed(id, instruction, input):
    return Seed(id, "t", "open_qa", instruction, input, "answer")


def proposal(id, instruction, input=""):
    return Instruction(id, "t", "open_qa", instruction, input, 1, 0)


def context(*seeds):
    return SimpleNamespace(seeds=seeds)


def classic(seeds, candidates, threshold=0.7):
    """The textbook loop: compare each with everything before, one by one."""
    fixed = {s.instruction.strip() for s in seeds}
    pool = [(s.id, s.input or s.instruction) for s in seeds]
    kept = []
    for row in candidates:
        text = compared_text(row.instruction, row.input, fixed)
        if not words(text):
            kept.append((False, None, 0.0))
            continue
        scores = [(SCORER.score(other, text)["rougeL"].fmeasure, id) for id, other in pool]
        best = max((score for score, _ in scores), default=0)
        copy = best >= threshold
        first = next(id for score, id in scores if score == best) if copy else None
        kept.append((not copy, first, best))
        pool.append((row.id, text))
    return kept


SENTENCE = st.lists(st.sampled_from("a b c d é 日 profit".split()), max_size=12).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(
    seeds=st.lists(st.tuples(SENTENCE, SENTENCE), max_size=3),
    rows=st.lists(st.tuples(st.sampled_from(["", "a b", "say what a is"]), SENTENCE), max_size=25),
    cut=st.integers(0, 25),
)
def test_decides_like_the_classic_loop(seeds, rows, cut):
    own = [seed(f"s{i}", *pair) for i, pair in enumerate(seeds)]
    candidates = [proposal(f"r{i}", *pair) for i, pair in enumerate(rows)]
    novelty = Novelty()
    verdicts = novelty.judge(candidates[:cut], context(*own))
    verdicts += novelty.judge(candidates[cut:], context(*own))
    expected = classic(own, candidates)
    assert [v.keep for v in verdicts] == [keep for keep, *_ in expected]
    for verdict, (_, neighbour, score) in zip(verdicts, expected, strict=True):
        assert verdict.evidence == (f"{neighbour} {score:.3f}" if neighbour else "")


def test_a_score_of_just_the_threshold_is_a_copy():
    # 7 common words of 10 and 10: F1 = 0.7, which floating point may put on either side
    first = "a b c d e f g h i j"
    second = "a b c d e f g x y z"
    verdicts = Novelty().judge([proposal("1", first), proposal("2", second)], context())
    assert [v.keep for v in verdicts] == [True, False]
    assert verdicts[1].evidence == "1 0.700"
    assert [keep for keep, *_ in classic([], [proposal("1", first), proposal("2", second)])] == [
        True,
        False,
    ]


def test_a_fixed_wording_is_no_copy():
    wording = "Is the sentiment of this sentence positive, negative or neutral for an investor?"
    one = seed("s", wording, "Profit fell by a third at the mill.")
    fresh = proposal("1", wording, "The bank raised its dividend again.")
    bare = proposal("2", wording)
    verdicts = Novelty().judge([fresh, bare], context(one))
    assert verdicts[0].keep
    assert (verdicts[1].keep, verdicts[1].reason) == (False, "empty")


def test_names_the_nearest_neighbour():
    near = seed("near", "q", "one two three four five six seven eight nine ten")
    nearer = seed("nearer", "q", "one two three four five six seven eight nine zero")
    row = proposal("1", "q", "one two three four five six seven eight nine zero more")
    (verdict,) = Novelty().judge([row], context(near, nearer))
    assert verdict.evidence.startswith("nearer 0.9")


def test_rejected_proposals_count_too():
    rows = [proposal(str(i), f"a b c d e f g h {tail}") for i, tail in enumerate(["i", "j", "k"])]
    verdicts = Novelty().judge(rows, context())
    assert [v.keep for v in verdicts] == [True, False, False]


def test_restore_is_as_if_judged():
    rows = [proposal(str(i), f"alpha beta gamma delta {i % 5} words {i}") for i in range(30)]
    whole = Novelty().judge(rows, context())
    resumed = Novelty()
    resumed.restore(rows[:17], context())
    assert resumed.judge(rows[17:], context()) == whole[17:]


def test_the_threshold_is_a_setting():
    rows = [proposal("1", "a b c d"), proposal("2", "a b x y")]
    strict = Novelty(NoveltySettings(threshold=0.5)).judge(rows, context())
    assert [v.keep for v in strict] == [True, False]
    assert all(v.keep for v in Novelty().judge(rows, context()))


def test_words_that_fold_to_the_same_character_are_still_different():
    many = [f"w{i}" for i in range(1200)]
    rows = [proposal(str(at), " ".join(many[at : at + 8])) for at in range(0, 1200, 8)]
    verdicts = Novelty().judge(rows, context())  # every 32nd folds to the same text
    assert all(verdict.keep for verdict in verdicts)


def test_thousands_in_batches_take_seconds():
    draw = random.Random(1)
    vocabulary = [f"w{i}" for i in range(3000)]
    rows = [
        proposal(str(i), " ".join(draw.choices(vocabulary, k=draw.randint(12, 45))))
        for i in range(4_000)
    ]
    novelty, start = Novelty(), time.perf_counter()
    for at in range(0, len(rows), 16):
        novelty.judge(rows[at : at + 16], context())
    assert (
        time.perf_counter() - start < 20
    )  # about 1 s on an idle core; the classic loop: many minutes
