"""`cited_sections`: what is cited stands in the input."""

import pytest

from selfspec_core import Example
from selfspec_law.filters import CitedSections, citations

TEXT = "Under section 4(b) of the Tenancy Act and Article 6, the landlord owes $50 a day."


def kept(output: str, asked: str = "") -> bool:
    row = Example("1", "role_qa", "extractive_qa", "Answer.", TEXT + asked, output, 1, 0)
    (verdict,) = CitedSections().judge([row], None)  # type: ignore[arg-type]
    return verdict.keep


@pytest.mark.parametrize("said", ["section 4(b)", "sec. 4", "Article 6", "the landlord", "$50"])
def test_what_the_text_cites_is_kept(said: str) -> None:
    assert kept(said)


@pytest.mark.parametrize("said", ["section 5", "Article 16", "section 4(c)", "rule 801"])
def test_what_it_does_not_cite_is_rejected(said: str) -> None:
    assert not kept(said)
    assert not kept("the landlord", f" Question: Who pays under {said}?")


def test_citations() -> None:
    assert list(citations("See sec. 12.3(a), Rule 801 and § 7.")) == ["12.3(a)", "801", "7"]
