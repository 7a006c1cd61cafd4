"""How varied the examples of a round are, and how near they come to the seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from sys import intern
from typing import Any

from selfspec_core.report.words import SHORT, shown
from selfspec_core.similarity.text import Vocabulary, compared_text, words
from selfspec_core.types import Example, Seed

_BLOCK = 256
_NEAREST, _PAIRS = 5, 12

_FUNCTION_WORDS = frozenset(
    "a an the this that these those of for in on at to from by with as and or is are was were be "
    "been do does did it its your you which what who whom whose how when where why if whether "
    "would should could can may will not no any some all one each every following given please me "
    "we he she they them his her their there here about into than then so such own".split()
)


def pairs(rows: Sequence[Example | Seed]) -> list[tuple[str, int]]:
    """Returns how instructions begin: the first word, and the next one that says something.

    Mostly a verb and its noun, as in Self-Instruct's figure (arXiv 2212.10560), but read without a
    parser: function words are passed over.
    """
    counts = Counter[str]()
    for row in rows:
        first, *rest = words(row.instruction[:2000]) or ["(none)"]
        noun = next((word for word in rest if word not in _FUNCTION_WORDS), "")
        counts[shown(f"{first} {noun}".strip(), 40)] += 1
    return counts.most_common()


def lengths(rows: Sequence[Example | Seed]) -> list[int]:
    """Returns the words of instruction and input of each row."""
    return [len(f"{row.instruction} {row.input}".split()) for row in rows]


def distinct(texts: Sequence[Sequence[str]], n: int, among: int) -> float | None:
    """Returns different n-grams per n-gram (distinct-n, arXiv 1510.03055) in the first words.

    Args:
        among: words to look at: the share falls with the length of a text, so two sets are
            compared over as many words of each.
    """
    seen: set[tuple[str, ...]] = set()
    total, left = 0, among
    for text in texts:
        part = text[:left]
        left -= len(part)
        seen.update(zip(*(part[start:] for start in range(n)), strict=False))
        total += max(len(part) - n + 1, 0)
    return len(seen) / total if total else None


def variety(examples: Sequence[Example], seeds: Sequence[Seed]) -> dict[str, Any]:
    """Returns the numbers of the section on diversity."""
    fixed = frozenset(seed.instruction.strip() for seed in seeds)
    texts = [[*map(intern, words(compared_text(e.instruction, e.input, fixed)))] for e in examples]
    known = [words(seed.input or seed.instruction) for seed in seeds]
    among = min(sum(map(len, texts)), sum(map(len, known))) if seeds else sum(map(len, texts))
    beginnings = pairs(examples)
    return {
        "instructions": len({" ".join(words(e.instruction)) for e in examples}),
        "new_instructions": len({e.instruction.strip() for e in examples} - fixed),
        "pairs": beginnings[:_PAIRS],
        "all_pairs": len(beginnings),
        "among": among,
        "distinct": {
            n: (distinct(texts, n, among), distinct(known, n, among) if seeds else None)
            for n in (1, 2)
        },
        "lengths": lengths(examples),
        "seed_lengths": lengths(seeds),
        "nearest": nearest(examples, seeds),
    }


def nearest(examples: Sequence[Example], seeds: Sequence[Seed]) -> dict[str, Any]:
    """Returns how like its nearest seed each example is, and the pairs that are most alike.

    The measure of the novelty filter: ROUGE-L F1 over words of instruction and input, minus an
    instruction that a seed has verbatim (`selfspec_core.similarity.copies`).
    """
    examples = [one for one in examples if words(f"{one.instruction} {one.input}")]
    if not examples or not seeds:
        return {"scores": [], "pairs": []}
    from selfspec_core.similarity.copies import similarities

    vocabulary = Vocabulary()
    fixed = frozenset(seed.instruction.strip() for seed in seeds)
    pool = [vocabulary.encode(seed.input or seed.instruction) for seed in seeds]
    texts = [vocabulary.encode(compared_text(e.instruction, e.input, fixed)) for e in examples]
    scores: list[float] = []
    places: list[int] = []
    for start in range(0, len(texts), _BLOCK):
        block = similarities(texts[start : start + _BLOCK], pool, 0.0)
        places += block.argmax(axis=1).tolist()
        scores += block.max(axis=1).tolist()
    top = sorted(range(len(scores)), key=lambda row: (-scores[row], row))[:_NEAREST]
    return {
        "scores": scores,
        "pairs": [_pair(examples[row], seeds[places[row]], scores[row]) for row in top],
    }


def _pair(example: Example, seed: Seed, score: float) -> dict[str, Any]:
    return {
        "score": score,
        "task": shown(example.task, SHORT),
        **{
            name: {
                "id": shown(row.id, SHORT),
                "text": shown(row.input or row.instruction),
                "output": shown(row.output, SHORT),
            }
            for name, row in (("example", example), ("seed", seed))
        },
    }
