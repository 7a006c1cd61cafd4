"""The fusion, and our retriever in a LlamaIndex application."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfspec_plugins.knowledge.fusion import VectorSearch, fuse
from selfspec_plugins.knowledge.llama import llama_index_retriever


def test_reciprocal_ranks_are_added_up():
    rankings = [(["a", "b", "c"], 1.0), (["c", "b"], 0.5)]
    assert fuse(rankings, 3) == [
        ("b", pytest.approx(1.5 / 62 * 61 / 1.5)),
        ("c", pytest.approx((1 / 63 + 0.5 / 61) * 61 / 1.5)),
        ("a", pytest.approx(1 / 61 * 61 / 1.5)),
    ]
    assert [id for id, _ in fuse(rankings, 2)] == ["b", "c"]
    assert fuse([([], 1.0), ([], 0.2)], 3) == []


RANKING = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(RANKING, RANKING, st.floats(0.01, 10))
def test_the_best_of_all_searches_is_1_and_no_order_is_turned_round(one, other, weight):
    found = fuse([(one, 1.0), (other, weight)], 99)
    assert {id for id, _ in found} == {*one, *other}
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 + 1e-12 for score in scores)
    assert [id for id, _ in fuse([(one, weight)], 99)] == one
    both = [id for id, _ in found if id in one and id in other]
    for a, b in zip(both, both[1:], strict=False):  # nobody stands behind whom he beats everywhere
        assert one.index(a) < one.index(b) or other.index(a) < other.index(b)


class Missing:
    """A store whose graph misses all but the worst passage."""

    def nearest(self, vector, count):
        return [("worst", 0.1)]

    def get(self, ids, include):
        return {"ids": ids, "embeddings": [[2.0, 0.0]] * len(ids)}


class Fixed:
    def query(self, text):
        return [1.0, 0.0] if text else [0.0, 0.0]


def test_what_the_graph_missed_is_compared_exactly():
    search = VectorSearch(Missing(), Fixed())
    assert search.top("x", 5) == [("worst", pytest.approx(0.1))]
    assert search.top("x", 5, also=["near", "worst"])[0] == ("near", pytest.approx(1.0))
    assert search.top("", 5, also=["near"]) == []


def test_llama_index_finds_what_we_do(retriever, add, files):
    add(files)
    [expected] = retriever().retrieve(["noble gases"], 2)
    nodes = llama_index_retriever(retriever(), 2).retrieve("noble gases")
    assert [(n.node.node_id, n.node.text, n.score) for n in nodes] == [
        (passage.id, passage.text, passage.score) for passage in expected
    ]
    assert nodes[0].node.metadata == {"source": str(files / "noble.txt")}


SEARCH = """
import sys
from pathlib import Path
from selfspec_plugins.knowledge import llama
from selfspec_plugins.knowledge.retriever import Knowledge, KnowledgeSettings
knowledge = Knowledge(KnowledgeSettings(folder=Path(sys.argv[1])))
from selfspec_core.progress import Silent
knowledge.add([Path(sys.argv[2])], Silent())
print(knowledge.retrieve(["noble gases"], 1)[0][0].source)
assert not {"llama_index", "torch", "transformers"} & set(sys.modules)
"""


def test_a_search_needs_no_llama_index(files, tmp_path):
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, str(tmp_path / "index"), str(files)],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{root}:{root / 'plugins'}"},
    )
    assert done.stdout == f"{files / 'noble.txt'}\n", done.stderr
