"""`personal_data`: what points at one person is not proposed; ordinary figures are."""

from __future__ import annotations

import pytest

from selfspec_core import Instruction
from selfspec_plugins.personal_data import PersonalData


def reason(text):
    proposal = Instruction("1", "t", "open_qa", "Read the note.", text, 1, 0)
    (verdict,) = PersonalData().judge([proposal], None)
    return verdict.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to mara.quill@harbor-steel.example for the file.", "e-mail address"),
        ("Call +44 20 7946 0958 before noon.", "telephone number"),
        ("Call (555) 010-4477 before noon.", "telephone number"),
        ("Her number is 219-09-9999.", "identity number"),
        ("Paid with 4111 1111 1111 1111 last week.", "card number"),
        ("Send it to GB29 NWBK 6016 1331 9268 19 today.", "account number"),
        ("The server at 192.168.10.4 answered.", "network address"),
        ("A woman, date of birth: 12/03/1961, came in.", "birth date"),
        ("A man born on March 4, 1957 fell.", "birth date"),
        ("Patient number 448812 was seen.", "record number"),
        ("MRN 5512904 was closed.", "record number"),
    ],
)
def test_what_points_at_a_person_is_rejected(text, expected):
    assert reason(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Revenue rose 12.5 percent to $1,340,200 in 2024, against $1,190,400 in 2023.",
        "The share price moved from 1.2345 to 1.2401 between 2019 and 2021.",
        "A 61-year-old woman took 500 mg three times a day for 10 days.",
        "Section 4(b)(2) of the Act of 12 March 1961 applies to 1,200 to 1,500 tenants.",
        "Under section 4.2.1.3 the fee is due.",
        "Order 4111 1111 1111 1112 was late.",
        "Mara Quill of Harbor Steel spoke in Oslo.",
    ],
)
def test_figures_and_names_are_kept(text):
    assert reason(text) == ""
