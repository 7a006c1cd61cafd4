"""How one answer is scored against the accepted ones: what the metrics sum up."""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from selfspec_core.measures.parsing import number, split_list
from selfspec_core.similarity.text import Vocabulary, rouge_l_encoded
from selfspec_core.types import LIST_KINDS, Item

Sets = tuple[set[str], set[str]]
"""What is accepted, and what was said."""


def folded(text: Any) -> str:
    """Returns the text in lower case with single spaces."""
    return " ".join(str(text).lower().split())


def one_choice(item: Item, parsed: Any) -> tuple[str, str]:
    """Returns the accepted answer that counts (the given one, if accepted) and the given one."""
    accepted = [folded(answer) for answer in item.output]
    said = "" if parsed is None else folded(parsed)
    return (said if said in accepted else accepted[0]), said


def labels(item: Item, parsed: Any) -> Sets:
    """Returns the labels: all of them for list kinds, else the one choice."""
    if item.kind in LIST_KINDS:
        said = (parsed,) if isinstance(parsed, str) else parsed
        return {folded(gold) for gold in item.output}, {folded(label) for label in said}
    gold, answer = one_choice(item, parsed or None)
    return {gold}, {answer} - {""}


def labels_without_none(item: Item, parsed: Any) -> Sets:
    """Returns the labels but `none`, as is the custom for relation sets."""
    gold, said = labels(item, parsed)
    return gold - {"none"}, said - {"none"}


def spans(item: Item, parsed: Any) -> Sets:
    """Returns the spans, case and white space aside; of synonyms, the one that was said."""
    golds = [tuple(member) if _is_list(member) else (str(member),) for member in item.output]
    said = {_span(span) for span in glued(parsed, (g for gold in golds for g in gold))}
    gold = {next((s for g in gold if (s := _span(g)) in said), _span(gold[0])) for gold in golds}
    return gold, said


def _span(text: str) -> str:
    return folded(text).rstrip(".,;")


def glued(parsed: Sequence[str] | str, spans: Iterable[str]) -> list[str]:
    """Joins neighbouring members again where the list was split inside an accepted span.

    An accepted span may itself hold a comma or an "and"; the parser, which does not know it, splits
    there. What was written in full must count in full.
    """
    members = [parsed] if isinstance(parsed, str) else list(parsed)
    for span in spans:
        pieces = [_span(piece) for piece in split_list(str(span))]
        width = len(pieces)
        for start in range(len(members) - width + 1 if width > 1 else 0):
            if [_span(member) for member in members[start : start + width]] == pieces:
                members[start : start + width] = [str(span)]
                break
    return members


def list_f1(item: Item, parsed: Any) -> float:
    """Returns the F1 of an item's members; a second synonym of one neither helps nor harms."""
    golds = [tuple(m) if _is_list(m) else (str(m),) for m in item.output]
    members = {squad(member) for member in glued(parsed, (s for gold in golds for s in gold))}
    synonyms = [{squad(synonym) for synonym in gold} for gold in golds]
    hit = sum(bool(gold & members) for gold in synonyms)
    wrong = len(members - set().union(*synonyms))
    whole = hit + len(golds) + wrong
    return 2 * hit / whole if whole else 1.0


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def squad(text: str) -> str:
    """Normalises an answer as SQuAD's scorer does: case, punctuation, articles, white space."""
    kept = "".join(char for char in str(text).lower() if char not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def token_f1(item: Item, parsed: Any) -> float:
    """Returns the token overlap with the best accepted answer (SQuAD, Rajpurkar et al. 2016)."""
    said = squad(_text(parsed)).split()
    return max(overlap(squad(answer).split(), said) for answer in _answers(item))


def overlap(gold: Sequence[str], said: Sequence[str]) -> float:
    """Returns the F1 of the words two texts share, each as often as it stands in both."""
    if not gold or not said:
        return float(list(gold) == list(said))
    common = sum((Counter(gold) & Counter(said)).values())
    return 2 * common / (len(gold) + len(said))


def exact(item: Item, parsed: Any) -> float:
    """Returns 1 for an accepted answer after SQuAD's normalisation, else 0."""
    return float(squad(_text(parsed)) in {squad(answer) for answer in _answers(item)})


def accuracy(item: Item, parsed: Any) -> float:
    """Returns 1 if the labels are just the accepted ones, else 0."""
    gold, said = labels(item, parsed)
    return float(gold == said)


def rouge_l(item: Item, parsed: Any) -> float:
    """Returns the ROUGE-L F1 with the best accepted answer."""
    vocabulary = Vocabulary()
    said = vocabulary.encode(_text(parsed))
    return max(rouge_l_encoded(vocabulary.encode(answer), said) for answer in _answers(item))


def _answers(item: Item) -> list[str]:
    """Returns every accepted wording."""
    return [str(a) for answer in item.output for a in (answer if _is_list(answer) else [answer])]


def _text(parsed: Any) -> str:
    return ", ".join(map(str, parsed)) if _is_list(parsed) else str(parsed)


def numeric(tolerance: float) -> Callable[[Item, Any], float]:
    """Returns a scorer: 1 for an accepted number within relative `tolerance`, units aside."""

    def score(item: Item, parsed: Any) -> float:
        said = parsed if isinstance(parsed, float | int) else number(_text(parsed))
        return float(said is not None and any(_close(g, said) for g in _answers(item)))

    def _close(gold: str, said: float) -> bool:
        value = number(gold)
        if value is None:
            return False
        # A share given as a bare fraction may be answered in percent: 0.375 and 37.5 %.
        fraction = abs(value) < 1 and not re.search(r"%|per\s?cent", gold, re.IGNORECASE)
        return any(
            math.isclose(said, expected, rel_tol=tolerance, abs_tol=1e-9)
            for expected in ((value, 100 * value) if fraction else (value,))
        )

    return score
