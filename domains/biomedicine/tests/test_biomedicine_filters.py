"""`entity_spans`: entities are exact spans, each once."""

import pytest

from selfspec_biomedicine.filters import EntitySpans
from selfspec_core import Example

TEXT = "Loss of TP53 and of TP53BP1 was seen in breast cancer, and in ovarian cancer."


def reason(output: str, kind: str = "ner") -> str:
    row = Example("1", "gene_ner", kind, "List.", TEXT, output, 1, 0)  # type: ignore[arg-type]
    (verdict,) = EntitySpans().judge([row], None)  # type: ignore[arg-type]
    return verdict.reason


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("TP53, TP53BP1", ""),
        ("breast cancer, ovarian cancer", ""),
        ("cancer, breast cancer", ""),
        ("tp53", "entity is no span of the input"),
        ("BRCA1", "entity is no span of the input"),
        ("breast cancer, breast", "entity named twice or inside another"),
        ("none", ""),
    ],
)
def test_entities(output: str, expected: str) -> None:
    assert reason(output) == expected


def test_other_kinds_are_kept() -> None:
    assert reason("BRCA1", "open_qa") == ""
