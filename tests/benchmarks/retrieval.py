"""Retrieval, measured: MedQuAD questions against their own answers, and the indexing of a corpus.

    python tests/benchmarks/retrieval.py recall CORPUS/biomedicine.jsonl.xz
    python tests/benchmarks/retrieval.py index CORPUS/finance.jsonl.xz

`recall` indexes the answers of all MedQuAD pairs (without their questions) and asks for the
answers of a sample of questions: the weight of the vector search is chosen on one half of the
questions and reported on the other. Answers that are word for word the same count as one; an
answer is found if one of its passages is among the first k. `index` reports documents, passages,
seconds and the peak of resident memory. One thread is enough for both; set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import lzma
import random
import resource
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

from selfspec_core import Passage
from selfspec_core.progress import Silent
from selfspec_plugins.knowledge.chunks import chunks
from selfspec_plugins.knowledge.index import CANDIDATES, Index
from selfspec_plugins.knowledge.retriever import Knowledge, KnowledgeSettings

DEPTHS = (1, 5, 20)
WEIGHTS = (1.0, 0.5, 0.3, 0.2, 0.1)


def read_pairs(corpus: Path) -> list[tuple[str, str]]:
    """Returns (question, answer) of every MedQuAD document."""
    pairs = []
    with lzma.open(corpus, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"] == "medquad_qa":
                question, answer = row["text"].split("\nAnswer: ", 1)
                pairs.append((question.removeprefix("Question: "), answer))
    return pairs


def build(answers: list[str], folder: Path, embedding: str, words: int) -> Index:
    index = Index(folder, embedding, 1.0)
    passages = (
        Passage(f"{number}-{part}", text, "")
        for number, answer in enumerate(answers)
        for part, text in enumerate(chunks(answer, words))
    )
    with index.writing():
        for _ in index.put("answers", "answers", passages):
            pass
    return index


class Listed:
    """A retriever that has its answer already, so that many weights can be tried."""

    def __init__(self, found):
        self.found = found

    def retrieve(self, query):
        return self.found


def recall(wanted, found) -> list[float]:
    hits = [0] * len(DEPTHS)
    for number, nodes in zip(wanted, found, strict=True):
        owners = [node.node.node_id.split("-")[0] for node in nodes]
        for at, depth in enumerate(DEPTHS):
            hits[at] += str(number) in owners[:depth]
    return [hit / len(wanted) for hit in hits]


def asked(retriever, questions):
    """Returns what was found for each question, and the milliseconds of one."""
    start = time.perf_counter()
    found = [retriever.retrieve(question) for question in questions]
    return found, (time.perf_counter() - start) * 1000 / len(questions)


def line(name: str, values: list[float], milliseconds: float | None = None) -> None:
    cells = " | ".join(f"{value:.3f}" for value in values)
    print(f"| {name} | {cells} | {'' if milliseconds is None else f'{milliseconds:.1f}'} |")


def measure_recall(corpus: Path, count: int, embedding: str, words: int) -> None:
    from llama_index.core.schema import QueryBundle

    from selfspec_plugins.knowledge.fusion import FusedRetriever, VectorRetriever, WordRetriever

    pairs = read_pairs(corpus)
    answers = list(dict.fromkeys(answer for _, answer in pairs))
    number = {answer: at for at, answer in enumerate(answers)}
    order = random.Random(0).sample(range(len(pairs)), len(pairs))
    halves = order[: len(pairs) // 2][:count], order[len(pairs) // 2 :][:count]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        index = build(answers, Path(folder), embedding, words)
        seconds, passages = time.perf_counter() - start, index._collection.count()
        cpu = time.process_time()
        print(f"{len(pairs)} questions, {len(answers)} answers, {passages} passages", end=" ")
        print(f"of at most {words} words, indexed in {seconds:.0f} s ({cpu:.0f} of CPU)", end="; ")
        print(f"embedding {embedding}\n")
        bm25, vectors = index._searches
        one = WordRetriever(bm25, CANDIDATES)
        other = VectorRetriever(index._collection, vectors, CANDIDATES, bm25)
        head = f"| recall of {len(halves[0])} questions | @1 | @5 | @20 | ms a question |"
        print(head, "|---|---|---|---|---|", sep="\n")
        wanted = [number[pairs[at][1]] for at in halves[0]]
        questions = [QueryBundle(pairs[at][0]) for at in halves[0]]
        lists = [asked(retriever, questions) for retriever in (one, other)]
        line("to choose on: BM25", recall(wanted, lists[0][0]), lists[0][1])
        line("to choose on: dense", recall(wanted, lists[1][0]), lists[1][1])
        for weight in WEIGHTS:
            fused = [
                FusedRetriever([(Listed(a), 1.0), (Listed(b), weight)], 20).retrieve(question)
                for a, b, question in zip(lists[0][0], lists[1][0], questions, strict=True)
            ]
            line(f"to choose on: fused, dense {weight:g}", recall(wanted, fused))
        wanted = [number[pairs[at][1]] for at in halves[1]]
        questions = [QueryBundle(pairs[at][0]) for at in halves[1]]
        chosen = KnowledgeSettings().dense
        fused = FusedRetriever([(one, 1.0), (other, chosen)], 20)
        equal = FusedRetriever([(one, 1.0), (other, 1.0)], 20)
        systems = {"BM25": one, "dense": other, "fused, equal": equal}
        for name, system in {**systems, f"fused, dense {chosen:g} (default)": fused}.items():
            found, milliseconds = asked(system, questions)
            line(f"to report: {name}", recall(wanted, found), milliseconds)


def measure_indexing(corpus: Path, embedding: str, words: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = KnowledgeSettings(embedding=embedding, chunk_words=words, folder=folder)
        retriever = Knowledge(settings)
        start = time.perf_counter()
        [row] = retriever.add([corpus], Silent())
        seconds, cpu = time.perf_counter() - start, time.process_time()
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        start = time.perf_counter()
        retriever.retrieve(["what did the committee say about inflation expectations"], 5)
        first = time.perf_counter() - start
    with lzma.open(corpus) as lines:
        text = SimpleNamespace(documents=0, size=0)
        for document in lines:
            text.documents += 1
            text.size += len(document)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    heads = "documents|MB of text|passages|seconds|of CPU|peak RSS, MB|index, MB|first query, s"
    print("|", heads.replace("|", " | "), "|")
    print("|---|---|---|---|---|---|---|---|")
    cells = text.documents, f"{text.size / 1e6:.1f}", row.passages, f"{seconds:.0f}"
    print(
        "|",
        " | ".join(
            map(str, (*cells, f"{cpu:.0f}", f"{peak:.0f}", f"{size / 1e6:.0f}", f"{first:.2f}"))
        ),
        "|",
    )
    if row.problem:
        raise SystemExit(row.problem)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("recall", "index"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--questions", type=int, default=1000, help="of each half")
    parser.add_argument("--embedding", default="hashed")
    parser.add_argument("--chunk-words", type=int, default=150)
    given = parser.parse_args()
    if given.what == "recall":
        measure_recall(given.corpus, given.questions, given.embedding, given.chunk_words)
    else:
        measure_indexing(given.corpus, given.embedding, given.chunk_words)
