"""Contamination check: ``python -m selfspec_nano.check ITEMS.jsonl …``.

No item may be producible by the corpus: neither share a run of 13 words with a large generated
sample or with a raw frame (slots matching any one to four words), nor be a near-copy of a sample
line (ROUGE-L F1 >= 0.7).
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from selfspec_nano import corpus, lookups
from selfspec_nano.content import load_domains
from selfspec_nano.crowd import ORGANISATION_FRAMES
from selfspec_nano.ledger import QUESTIONS

RUN = 13
NEAR = 0.7 - 1e-9
CHARACTERS = 20_000_000
COPY_SHARE = 0.35
LINES = 40_000
"""Lines of the sample that are searched for near-copies, besides all frames."""
SLOT = re.compile(r"\{\w+\}")
NAMES = frozenset("A B D X Y Rater".split())
NAME = r"[A-Z][\w'-]*(?: (?:&|plc|[A-Z][\w'-]*)){0,4}"
ANYTHING = r"\S+(?: \S+){0,3}"


def words(text: str) -> list[str]:
    """Return the lower-cased Unicode words of a text."""
    return re.findall(r"\w+", text.lower())


def runs(text: str) -> Iterator[str]:
    """Yield the runs of 13 words of a text."""
    found = words(text)
    for start in range(len(found) - RUN + 1):
        yield " ".join(found[start : start + RUN])


def frames() -> Iterator[str]:
    """Yield every hand-written frame of the content, held-out ones too."""
    for domain in load_domains():
        for group in (domain.events, domain.statements, domain.listings, domain.terms):
            yield from (text for entry in group for text in (*entry.texts, *entry.held_out))
        yield from domain.prose
    yield from ORGANISATION_FRAMES
    yield from (text for text, _ in QUESTIONS)
    yield from (scene["text"] for scene in lookups.content()["scene"])
    yield from (text for texts in lookups.content()["lists"].values() for text in texts)


def frame_pattern(frame: str) -> re.Pattern[str]:
    """Return a pattern for a filled frame: names are capitalised, other slots one to four words."""
    pattern = ""
    for number, part in enumerate(re.split(r"\{(\w+)\}", frame.rstrip("."))):
        if number % 2:
            pattern += NAME if part.rstrip("23") in NAMES else ANYTHING
        else:
            pattern += f"(?i:{re.escape(part)})"
    return re.compile(rf"\b{pattern}" if frame[0].isalnum() else pattern)


def longest_part(frame: str) -> str:
    """Return the longest part of a frame between slots, in lower case."""
    return max(SLOT.split(frame.rstrip(".")), key=len).lower()


def holds_frame(text: str, patterns: dict[str, list[re.Pattern[str]]]) -> bool:
    """Return whether a text holds a whole frame.

    Args:
        text: an item's input.
        patterns: the frames' patterns by their longest part, which is searched for first.
    """
    return any(
        part in text.lower() and any(pattern.search(text) for pattern in group)
        for part, group in patterns.items()
    )


def nearest(texts: list[str], sample: list[str]) -> np.ndarray:
    """Return each text's largest ROUGE-L F1 with a sample line, shape (texts,).

    ROUGE-L F1 of two word lists equals the normalised Indel similarity
    (https://rapidfuzz.github.io/RapidFuzz/Usage/distance/Indel.html).
    """
    from rapidfuzz import process
    from rapidfuzz.distance import Indel

    ids: dict[str, int] = {}

    def coded(text: str) -> str:
        return "".join(chr(0x100 + ids.setdefault(word, len(ids))) for word in words(text))

    best = np.zeros(len(texts))
    queries = [coded(text) for text in texts]
    for start in range(0, len(sample), 5000):
        part = [coded(line) for line in sample[start : start + 5000]]
        grid = process.cdist(queries, part, scorer=Indel.normalized_similarity, score_cutoff=0.3)
        best = np.maximum(best, grid.max(axis=1))
    return best


def load(paths: Iterable[Path]) -> list[dict[str, str]]:
    """Return the rows of JSONL files of items or seeds."""
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    """Run the command line; exit with 1 if any item is contaminated."""
    parser = argparse.ArgumentParser(prog="python -m selfspec_nano.check", description=__doc__)
    parser.add_argument("items", type=Path, nargs="+")
    parser.add_argument("--random-seed", type=int, default=97)
    options = parser.parse_args()
    rows = load(options.items)
    documents = corpus.sample(options.random_seed, CHARACTERS, copy_share=COPY_SHARE)
    known = {hash(run) for text in documents for run in runs(text)}
    patterns: dict[str, list[re.Pattern[str]]] = {}
    for frame in frames():
        if len(words(SLOT.sub(" ", frame))) >= 5:
            patterns.setdefault(longest_part(frame), []).append(frame_pattern(frame))
    full = [f"{row['instruction']} {row['input']}" for row in rows]
    shared = [
        text
        for text, row in zip(full, rows, strict=True)
        if any(hash(run) in known for run in runs(text)) or holds_frame(row["input"], patterns)
    ]
    seen = dict.fromkeys(line for text in documents for line in text.split("\n") if line)
    lines = [*frames(), *list(seen)[:LINES]]
    best = nearest([row["input"] for row in rows], lines)
    near = [text for text, value in zip(full, best, strict=True) if value >= NEAR]
    out = sys.stdout
    out.write(f"items {len(rows)}: shared runs or frames {len(shared)}, near-copies {len(near)}\n")
    out.write(f"ROUGE-L max {best.max():.3f}, 95th percentile {np.percentile(best, 95):.3f}\n")
    for text in shared + near:
        out.write(f"  {text}\n")
    sys.exit(bool(shared or near))


if __name__ == "__main__":
    main()
