"""Pairs of answers the model made itself: which is the better, and what is kept out."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loops import PREFER, make, manifest, request, rows, scores

from selfspec_core import (
    KEEP,
    Capabilities,
    Domain,
    Example,
    Filter,
    Generator,
    Model,
    Seed,
    Trainer,
    UsageError,
    Verdict,
)
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.preference import build_preferrer
from selfspec_core.components import Context
from selfspec_core.config import Settings
from selfspec_core.firewall import Firewall
from selfspec_core.journals import RoundFolder
from selfspec_core.measures.votes import same, support
from selfspec_core.progress import Silent
from selfspec_core.stages.prefer import by_majority, make_pairs
from selfspec_core.types import Item
from selfspec_plugins.few_shot import FewShot
from selfspec_plugins.scripted import Scripted


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("aaaaabbc", ("a", "c")),
        ("aaabbcde", None),  # too small a share
        ("aaaabbbb", None),  # no majority
        ("aaaaaaaa", None),  # nothing to prefer it to
        ("baaaaaac", ("a", "b")),  # of equals the first
    ],
)
def test_majority_over_the_rarest(said, expected):
    found = by_majority("classification", said, 0.5)
    assert (found and (said[found[0]], said[found[1]])) == expected


WORDED = st.lists(st.sampled_from("abcde"), min_size=1, max_size=5).map(" ".join)


@given(st.lists(st.none() | WORDED, min_size=1, max_size=9), st.floats(0, 1))
def test_the_chosen_has_most_votes_and_the_rejected_says_something_else(said, share):
    found = by_majority("open_qa", said, share)
    if found is None:
        return
    (chosen, rejected, _), votes = found, support("open_qa", said)
    other = [one is not None and not same("open_qa", said[chosen], one) for one in said]
    assert other[rejected]
    assert votes[chosen] >= share * len(said)
    for count, differs in zip(votes, other, strict=True):
        assert votes[chosen] > count >= votes[rejected] if differs else votes[chosen] >= count


class Drawn(Generator):
    name, summary = "drawn", ""

    def __init__(self, *outputs):
        super().__init__()
        self.outputs, self.calls = outputs, []

    def answer(self, instructions, batch, context):
        self.calls.append((batch, context.settings.answer))
        output = self.outputs[(len(self.calls) - 1) % len(self.outputs)]
        return [
            Example(i.id, i.task, i.kind, i.instruction, i.input, output, i.round, batch, i.choices)
            for i in instructions
        ]


class NoOslo(Filter):
    name, summary, phase = "no_oslo", "", "example"

    def judge(self, candidates, context):
        return [
            Verdict(False, "not there", c.output) if "Oslo" in c.output else KEEP
            for c in candidates
        ]


def sampled(tmp_path, generator, judge=None, items=(), **preference):
    folder = RoundFolder(tmp_path / "round-1")
    example = Example(
        "r1-0-0", "place", "extractive_qa", "Where?", "From Bergen to Rome.", "x", 1, 0, label="x"
    )
    folder.commit("answer", 0, {"examples": [example.to_dict()]})
    settings = Settings.model_validate({"preference": {"samples": 8, **preference}})
    context = Context("d", SimpleNamespace(decisions={}), settings, [])
    return make_pairs(folder, generator, lambda: judge, Firewall(items), context)


OUTPUTS = ("Rome", "Rome", "rome", "Rome", "Oslo", "", "Oslo", "Bergen")


def test_a_pair_says_where_it_comes_from(tmp_path):
    generator = Drawn(*OUTPUTS)
    [pair] = sampled(tmp_path, generator)
    assert (pair.chosen, pair.rejected, pair.sort) == ("Rome", "Bergen", "majority")
    assert (pair.votes, pair.rejected_votes) == (0.5, 0.125)
    assert pair.id == "r1-0-0" and pair.input == "From Bergen to Rome."
    batches = [batch for batch, _ in generator.calls]
    assert len(set(batches)) == 8 and max(batches) < 0
    assert {(s.votes, s.temperature) for _, s in generator.calls} == {(1, 0.7)}


@pytest.mark.parametrize("closed", ["weigh", "calibrate"])
@pytest.mark.parametrize("vote_draws", [True, False])
def test_choices_are_sampled_where_the_answers_are_weighed(tmp_path, closed, vote_draws):
    class Counting(Model):
        name, summary = "counting", ""
        capabilities = Capabilities(likelihood=True)
        sampled: ClassVar[list] = []

        def generate(self, prompts, sampling, progress=None):
            self.sampled.append((len(prompts), sampling.temperature))
            return ["up" if len(self.sampled) % 4 else "down"] * len(prompts)

        def loglikelihood(self, pairs, progress=None):
            raise AssertionError("choices are to be sampled")

    folder = RoundFolder(tmp_path / "round-1")
    example = Example("r1-0-0", "tone", "classification", "?", "It.", "up", 1, 0, ("up", "down"))
    folder.commit("answer", 0, {"examples": [example.to_dict()]})
    answer = {"closed": closed, "votes": 3, "vote_draws": vote_draws, "vote_temperature": 0.9}
    settings = Settings.model_validate({"preference": {"samples": 8}, "answer": answer})
    seed = Seed("s", "tone", "classification", "?", "That.", "down", ("up", "down"))
    context = Context(Domain(), Counting(), settings, [seed])
    [pair] = make_pairs(folder, FewShot(), lambda: None, Firewall([]), context)
    assert Counting.sampled[-8:] == [(1, 0.9)] * 8
    assert (pair.chosen, pair.rejected, pair.votes) == ("up", "down", 0.75)


def test_a_filter_may_tell_the_better_answer(tmp_path):
    [pair] = sampled(tmp_path, Drawn(*OUTPUTS), NoOslo())
    assert (pair.chosen, pair.rejected, pair.sort) == ("Rome", "Oslo", "no_oslo")
    assert pair.evidence == "Oslo"


def test_answers_that_agree_make_no_pair(tmp_path):
    assert sampled(tmp_path, Drawn("Rome")) == []
    assert sampled(tmp_path / "article", Drawn("Rome", "the Rome.", "Rome")) == []


def test_a_rejected_answer_does_not_say_the_same_in_other_words(tmp_path):
    same_words = ("port of old Bergen", "the port of old Oslo Bergen")
    assert sampled(tmp_path, Drawn(*[same_words[0]] * 3, same_words[1])) == []
    assert sampled(tmp_path / "judged", Drawn(*same_words), NoOslo()) == []
    [pair] = sampled(tmp_path / "other", Drawn(*[*same_words] * 3, "Rome", "Rome"))
    assert (pair.chosen, pair.rejected, pair.votes) == (same_words[0], "Rome", 0.75)


@pytest.mark.parametrize("contaminated", ["chosen", "rejected"])
def test_the_firewall_reads_both_sides(tmp_path, contaminated):
    leak = "the quick brown fox jumped over a lazy dog near the old stone bridge at noon"
    item = Item("i1", "place", "extractive_qa", "Where?", leak, ("x",), "f1")
    rare, common = ("Bergen", leak) if contaminated == "chosen" else (leak, "Rome")
    assert sampled(tmp_path, Drawn(*[common] * 7, rare), items=[item]) == []
    commits = (tmp_path / "round-1/commits.jsonl").read_text().splitlines()
    [screened] = json.loads(commits[-1])["screened"]
    assert screened["row"] == "r1-0-0" and screened["evidence"].startswith("i1: ")
    [pair] = sampled(tmp_path / "clean", Drawn(*[common] * 7, rare))
    assert leak in (pair.chosen, pair.rejected)


def test_a_run_with_pairs_measures_the_preferred_system_too(tmp_path):
    path = make(tmp_path / "run", PREFER)
    pairs = rows(path, 1, "pairs")
    assert pairs and all(pair["chosen"] != pair["rejected"] for pair in pairs)
    found = scores(path, 1)
    assert found["training"]["preferred"]["rows"] == len(pairs) == found["pairs"]
    own = found["sets"]["finance"]
    assert {"specialized@0", "preferred@0"} <= own["systems"].keys()
    assert "preferred@0 - specialized@0" in own["gains"]
    assert "preferred@0 - base-best@0" in own["gains"]
    assert "specialized@0 - preferred@0" not in own["gains"]
    assert set(found["dev_systems"]) == {"specialized@0", "preferred@0"}
    best = max(found["dev_systems"], key=lambda name: found["dev_systems"][name])
    assert manifest(path)["rounds"][0]["system"] == best
    assert found["dev"] == found["dev_systems"][best]
    assert (path / "round-1/preferred").is_dir()


def test_by_likelihood_the_gains_are_those_of_the_same_system(tmp_path, monkeypatch):
    able = Capabilities(trains=True, likelihood=True)
    monkeypatch.setattr(Scripted, "capabilities", property(lambda self: able))
    monkeypatch.setattr(
        Scripted, "loglikelihood", lambda self, pairs, progress=None: [-len(c) for _, c in pairs]
    )
    path = make(tmp_path / "run", PREFER)
    own = scores(path, 1)["sets"]["finance"]
    assert own["likelihood"]["ours"] == own["ours"] == manifest(path)["rounds"][0]["system"]


def test_without_a_preference_round_nothing_is_sampled(tmp_path):
    path = make(tmp_path / "run")
    assert not (path / "round-1/pairs.jsonl").exists()
    assert "preferred@0" not in scores(path, 1)["sets"]["finance"]["systems"]


@pytest.mark.parametrize(
    ("preference", "said"),
    [
        ({"pairs": "novelty"}, r"preference\.pairs = 'novelty'; did you mean"),
        ({"pairs": "majorty"}, r"preference\.pairs = 'majorty'; did you mean 'majority'"),
        ({"trainer": "lora"}, r"preference\.trainer: 'lora' cannot tune model 'scripted'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(preference, said):
    with pytest.raises(UsageError, match=said):
        assemble(request({"preference": {"enabled": True, **preference}}), Silent())


def test_a_trainer_that_takes_no_pairs_is_refused_by_name():
    class Plain(Trainer):
        name, summary = "plain", ""

    class Able(Plain):
        name = "able"

        def prefer(self, pairs, adapter, out, context):
            raise NotImplementedError

    known = {cls.name: cls for cls in (Plain, Able)}
    host = SimpleNamespace(
        find=lambda what, name: known[name], offered=lambda what: [("", c) for c in known.values()]
    )
    settings = Settings.model_validate({"preference": {"enabled": True}})
    with pytest.raises(UsageError, match="'plain' does not tune on pairs; these do: able"):
        build_preferrer(host, settings, "plain")
    assert build_preferrer(host, Settings(), "plain") is None
