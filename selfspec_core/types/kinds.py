"""What a task asks for."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "classification",
    "multilabel",
    "multiple_choice",
    "yesno",
    "ner",
    "relation",
    "extractive_qa",
    "list_qa",
    "open_qa",
    "numeric",
    "entailment",
    "summarization",
]
"""What a task asks for; fixes how answers are parsed and which metric is primary."""

KINDS: tuple[Kind, ...] = get_args(Kind)
CLOSED_KINDS = frozenset({"classification", "yesno", "entailment", "multiple_choice"})
"""Kinds whose answer is one of a fixed set of choices."""

LIST_KINDS = frozenset({"ner", "relation", "list_qa", "multilabel"})
"""Kinds whose answer is a set of strings."""

LONG_KINDS = frozenset({"summarization"})
"""Kinds whose answer may run over several lines."""
