"""Numbers of the section on diversity, against plain loops."""

from hypothesis import given
from hypothesis import strategies as st

from selfspec_core.journals import RoundFolder
from selfspec_core.report.samples import ACCEPTED, REJECTED, samples
from selfspec_core.report.variety import distinct, nearest, pairs, variety
from selfspec_core.similarity.text import compared_text, rouge_l
from selfspec_core.types import Example, Seed

WORDS = st.lists(st.sampled_from("a b c d e f".split()), max_size=8)


def seed(input, instruction="Name the mood.", id="s"):
    return Seed(id, "tone", "classification", instruction, input, "good")


def example(input, instruction="Name the mood.", id="e"):
    return Example(id, "tone", "classification", instruction, input, "good", 1, 0)


@given(st.lists(WORDS, max_size=5), st.integers(1, 3), st.integers(0, 30))
def test_distinct_n_is_the_share_of_different_runs(texts, n, among):
    grams, left = [], among
    for text in texts:
        part = text[: max(left, 0)]
        left -= len(text[: max(left, 0)])
        grams += [tuple(part[i : i + n]) for i in range(len(part) - n + 1)]
    assert distinct(texts, n, among) == (len(set(grams)) / len(grams) if grams else None)


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, min_size=1, max_size=4))
def test_nearest_is_the_novelty_filters_measure(inputs, others):
    examples = [example(" ".join(words), id=f"e{n}") for n, words in enumerate(inputs)]
    seeds = [seed(" ".join(words), id=f"s{n}") for n, words in enumerate(others)]
    found = nearest(examples, seeds)
    fixed = {one.instruction for one in seeds}
    expected = [
        max(rouge_l(s.input or s.instruction, compared_text(e.instruction, e.input, fixed))
            for s in seeds)
        for e in examples
    ]  # fmt: skip
    assert [round(score, 9) for score in found["scores"]] == [round(s, 9) for s in expected]
    scores = [pair["score"] for pair in found["pairs"]]
    assert scores == sorted(found["scores"], reverse=True)[: len(scores)]


def test_pairs_pass_over_what_says_nothing():
    rows = [
        example("x", "Classify the tone of it."),
        example("x", "Classify a TONE!"),
        seed("x", ""),
    ]
    assert pairs(rows) == [("classify tone", 2), ("(none)", 1)]


def test_without_seeds_there_is_nothing_to_be_near_to():
    found = variety([example("a b c")], [])
    assert found["nearest"]["pairs"] == [] and found["distinct"][1] == (1.0, None)


def test_samples_are_few_always_the_same_and_of_all_filters(tmp_path):
    folder = RoundFolder(tmp_path / "round-1")
    kept = [example(f"day {n}", id=f"r1-00000-{n:03d}").to_dict() for n in range(50)]
    lost = [
        example(f"day {n}", id=f"r1-00001-{n:03d}").to_dict() | {"filter": name, "reason": "no"}
        for n, name in enumerate(["novelty"] * 40 + ["length"] * 9 + ["parts"])
    ]
    folder.commit("answer", 0, {"examples": kept, "rejected": lost})
    [one] = samples(folder, {"tone": 50})
    assert (one["accepted"], one["rejected"]) == (50, 50)
    assert len(one["examples"]) == ACCEPTED and len(one["others"]) == REJECTED
    assert [row["filter"] for row in one["others"]] == ["novelty", "length", "parts", "novelty"]
    assert [one] == samples(RoundFolder(tmp_path / "round-1", write=False), {"tone": 50})
    assert [row["id"] for row in one["examples"]] != [row["id"] for row in kept[:ACCEPTED]]
