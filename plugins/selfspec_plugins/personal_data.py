"""The filter of proposals that look as if they held somebody's personal data.

A language model can repeat what it was trained on. A proposal with an address, a number or a birth
date that points at one person is not worth the risk, true or invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar, Literal

from selfspec_core.components import Filter
from selfspec_core.hookspecs import hookimpl
from selfspec_core.types import Instruction
from selfspec_plugins.checks import EachFilter, Finding, match

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{0,63}\w")
_PHONE = re.compile(
    r"(?<!\w)\+\d{1,3}(?:[ .-]?\(?\d{2,4}\)?){2,4}(?!\w)"
    r"|(?<!\w)\(\d{2,4}\) ?\d{3,4}[ -]\d{3,4}(?!\w)"
    r"|(?<![\w.,-])\d{3}[.-]\d{3}[.-]\d{4}(?![\w-])"
)
_NATIONAL_ID = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_CARD = re.compile(r"(?<![\d$.,])\d(?:[ -]?\d){12,18}(?![\d,])")
_ADDRESS = re.compile(  # four parts, but not the number of a section
    r"(?<!section )(?<!rule )(?<!part )(?<!clause )(?<!§ )(?<![\d.§])"
    r"(?:\d{1,3}\.){3}\d{1,3}(?![\d.])",
    re.IGNORECASE,
)
_BORN = re.compile(
    r"\b(?:date of birth|born on|DOB)\b:? *(?:\d|[A-Z][a-z]+ \d{1,2}, *\d{4})", re.IGNORECASE
)
_RECORD = re.compile(
    r"\b(?:medical record|patient|insurance|passport|social security) (?:number|no\.?|id)\b:? *"
    r"[A-Z]{0,3}-?\d{4,}|\bMRN:? *\d{4,}",
    re.IGNORECASE,
)


class PersonalData(EachFilter):
    """Rejects proposals with contact data, identity, card, account or record numbers, birth dates.

    The patterns are those a careful reader would stop at; what is only a name is kept.
    """

    name = "personal_data"
    summary = "rejects proposals with contact data, identity numbers or birth dates"
    phase: ClassVar[Literal["instruction", "example"]] = "instruction"

    def findings(self, candidate: Instruction) -> Iterable[Finding]:
        """Yields what is found, each with the text that shows it."""
        text = f"{candidate.instruction}\n{candidate.input}"
        yield match("e-mail address", _EMAIL, text)
        yield match("identity number", _NATIONAL_ID, text)
        yield _card(text)
        yield _account(text)
        yield match("telephone number", _PHONE, text)
        yield match("network address", _ADDRESS, text)
        yield match("birth date", _BORN, text)
        yield match("record number", _RECORD, text)


def _card(text: str) -> Finding:
    """Finds a card number: 13 to 19 digits with a right Luhn check digit (ISO/IEC 7812-1)."""
    for found in _CARD.finditer(text):
        digits = [int(c) for c in reversed(found.group()) if c.isdigit()]
        doubled = (sum(divmod(2 * d, 10)) for d in digits[1::2])
        if (sum(digits[::2]) + sum(doubled)) % 10 == 0:
            return "card number", found.group()
    return None


def _account(text: str) -> Finding:
    """Finds an account number that passes the IBAN check (ISO 13616: 1 modulo 97)."""
    for found in _IBAN.finditer(text):
        bare = found.group().replace(" ", "")
        if int("".join(str(int(c, 36)) for c in bare[4:] + bare[:4])) % 97 == 1:
            return "account number", found.group()
    return None


@hookimpl
def selfspec_filters() -> list[type[Filter]]:
    """Offers the filter."""
    return [PersonalData]
