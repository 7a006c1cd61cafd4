"""From a passage and back to it: the generator, the answer, the filter."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from selfspec_core import Context, Example, Model, Passage, Retriever, Sampling, Seed, UsageError
from selfspec_core.assembly.assemble import assemble
from selfspec_core.assembly.request import Request
from selfspec_core.assembly.resolve import resolve
from selfspec_core.progress import Silent
from selfspec_core.runs import Run
from selfspec_core.stages.collect import collect
from selfspec_plugins.few_shot import FewShot
from selfspec_plugins.from_passage import FromPassage
from selfspec_plugins.round_trip import RoundTrip, RoundTripSettings

TEXTS = {
    "tin": "Tin is smelted in small furnaces near the mine.",
    "tea": "Tea is sold at auction every week in spring.",
    "gas": "Gas is stored below ground over the summer.",
}
SEEDS = [
    Seed(f"{name}-{n}", "what", "open_qa", "What is it?", f"It says: {text}", name)
    for name, text in TEXTS.items()
    for n in range(2)
]


class Shelf(Retriever):
    name, summary = "shelf", "ranks three passages by the words they share with a query"

    def retrieve(self, queries, k):
        def shared(query, text):
            return len(set(query.lower().split()) & set(text.lower().split()))

        return [
            self.passages(sorted(TEXTS, key=lambda id: -shared(query, TEXTS[id]))[:k])
            for query in queries
        ]

    def passages(self, ids):
        return [Passage(id, TEXTS[id], "a shelf") for id in ids]


class Recorder(Model):
    name, summary = "recorder", "keeps the prompts"

    def __init__(self, says=" Name it.\nText: What is smelted?") -> None:
        super().__init__()
        self.says, self.prompts = says, []

    def generate(self, prompts: Sequence[str], sampling: Sampling, progress=None) -> list[str]:
        self.prompts += prompts
        return [self.says] * len(prompts)


def context(model=None, **tables):
    settings = resolve([("test", {"propose": {"preface": "", "batch": 6}, **tables})])
    return Context("d", model, settings, SEEDS, retriever=Shelf())


def example(input, output="x", **more):
    return Example("e", "what", "open_qa", "Name it.", input, output, 1, 0, **more)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (example("What is smelted in furnaces?", written_from="tin"), ""),
        (example("What is sold at auction?", written_from="tin"), "leads to other passages"),
        (example("What is it?", "small furnaces near the mine", passages=("tin", "gas")), ""),
        (
            example("What is it?", "sold at auction", passages=("tin",)),
            "leads to other passages",
        ),
        (example("What is sold at auction?"), ""),
    ],
)
def test_reasons(row, expected):
    (verdict,) = RoundTrip(RoundTripSettings(k=1)).judge([row], context())
    assert (verdict.reason, verdict.keep) == (expected, not expected)
    assert verdict.evidence == ("" if verdict.keep else "tea")


def test_every_candidate_gets_a_verdict_and_there_is_no_memory():
    rows = [example(f"What is {w}?", written_from="tin") for w in ("smelted", "sold", "stored")]
    filter = RoundTrip(RoundTripSettings(k=1))
    whole = filter.judge(rows, context())
    assert len(whole) == 3
    assert [filter.judge([row], context())[0].keep for row in rows] == [v.keep for v in whole]


def test_proposals_are_written_from_passages_and_keep_their_ids():
    model = Recorder()
    rows = FromPassage().propose(0, context(model))
    assert len(rows) == 6 == len(model.prompts)
    for row, prompt in zip(rows, model.prompts, strict=True):
        *_, last = prompt.split("Passage: ")
        assert last == f"{TEXTS[row.written_from]}\nTask:"
        assert (row.instruction, row.input, row.task) == ("Name it.", "What is smelted?", "what")
        assert prompt.count("Passage: ") == 3 + 1
    assert FromPassage().propose(0, context(Recorder())) == rows


def test_the_passage_is_shown_while_answering():
    model = Recorder(" tin")
    (proposed, *_) = FromPassage().propose(0, context(Recorder()))
    (row,) = FewShot().answer([proposed], 0, context(model, retrieval={"k": 2}))
    assert row.written_from == proposed.written_from == row.passages[-1]
    assert len(row.passages) == 2 and f"{TEXTS[row.written_from]}\nWhat" in model.prompts[0]


@pytest.mark.parametrize(
    "settings",
    [{"propose": {"generator": "from_passage"}}, {"filters": {"order": ["round_trip"]}}],
)
def test_without_a_retriever_a_run_is_refused(settings):
    with pytest.raises(UsageError, match="needs passages; set retrieval.retriever"):
        assemble(Request("finance", model="scripted", set=(settings,)), Silent())


def test_a_whole_collection(tmp_path):
    order = ["well_formed", "length", "novelty", "well_formed_answer", "round_trip"]
    settings = (
        {"data": {"size": 12}, "propose": {"generator": "from_passage", "batch": 8}},
        {"retrieval": {"retriever": "knowledge", "k": 2}, "filters": {"order": order}},
        {"components": {"knowledge": {"folder": str(tmp_path / "index")}}},
    )
    assembly = assemble(Request("finance", model="scripted", set=settings), Silent())
    context, parts = assembly.context, assembly.parts
    context.model.load()
    run = Run.create(tmp_path / "run", {})
    folder = run.round(1)
    tuning = parts.trainer, parts.firewall
    collect(folder, [], parts.proposer, parts.answerer, parts.filters(), *tuning, context)
    run.close()
    rows = list(folder.read("examples"))
    assert rows and all(row["written_from"] in row["passages"] for row in rows)
    assert any(row["filter"] == "round_trip" for row in folder.read("rejected"))
