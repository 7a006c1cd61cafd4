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
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from selfspec_core import Passage
from selfspec_core.progress import Silent
from selfspec_plugins.knowledge.chunks import chunks
from selfspec_plugins.knowledge.fusion import fuse
from selfspec_plugins.knowledge.index import CANDIDATES, Index
from selfspec_plugins.knowledge.retriever import Knowledge, KnowledgeSettings

DEPTHS = (1, 5, 20)
WEIGHTS = (1.0, 0.5, 0.3, 0.2, 0.1)

Found = list[tuple[str, float]]


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


def recall(wanted: list[int], found: list[list[str]]) -> list[float]:
    hits = [0] * len(DEPTHS)
    for number, ids in zip(wanted, found, strict=True):
        owners = [id.split("-")[0] for id in ids]
        for at, depth in enumerate(DEPTHS):
            hits[at] += str(number) in owners[:depth]
    return [hit / len(wanted) for hit in hits]


def asked(search: Callable[[str], Found], questions: list[str]) -> tuple[list[list[str]], float]:
    """Returns the ids found for each question, and the milliseconds of one."""
    start = time.perf_counter()
    found = [[id for id, _ in search(question)] for question in questions]
    return found, (time.perf_counter() - start) * 1000 / len(questions)


def line(name: str, values: list[float], milliseconds: float) -> None:
    cells = " | ".join(f"{value:.3f}" for value in values)
    print(f"| {name} | {cells} | {milliseconds:.1f} |")


def searches(index: Index) -> tuple[Callable[[str], Found], ...]:
    """Returns the search by words, the one by vectors, and the latter as the fusion asks it."""
    bm25, vectors = index._searches

    def words(question):
        return bm25.top(question, CANDIDATES)

    def alone(question):
        return vectors.top(question, CANDIDATES)

    def both(question):
        return vectors.top(question, CANDIDATES, also=[id for id, _ in words(question)])

    return words, alone, both


def fused(words: list[list[str]], near: list[list[str]], weight: float) -> list[list[str]]:
    lists = zip(words, near, strict=True)
    return [[id for id, _ in fuse([(a, 1.0), (b, weight)], DEPTHS[-1])] for a, b in lists]


def measure_recall(corpus: Path, count: int, embedding: str, words: int) -> None:
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
        head = f"| recall of {len(halves[0])} questions | @1 | @5 | @20 | ms a question |"
        print(head, "|---|---|---|---|---|", sep="\n")
        chosen = KnowledgeSettings().dense
        weights = {"to choose on": WEIGHTS, "to report": (1.0, chosen)}
        for half, name in zip(halves, weights, strict=True):
            wanted = [number[pairs[at][1]] for at in half]
            questions = [pairs[at][0] for at in half]
            by_words, alone, both = (asked(search, questions) for search in searches(index))
            line(f"{name}: BM25", recall(wanted, by_words[0]), by_words[1])
            line(f"{name}: vectors", recall(wanted, alone[0]), alone[1])
            for weight in weights[name]:
                found = fused(by_words[0], both[0], weight)
                shipped = " (default)" if weight == chosen else ""
                line(f"{name}: fused, vectors {weight:g}{shipped}", recall(wanted, found), both[1])


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
