"""One lenient parser for every system, so that a score tells knowledge and not obedience.

The rules were fixed before the first result was seen and are the same for the base model, the
controls and the specialist. Change them only together with every published number.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Any

from selfspec_core.types import CLOSED_KINDS, LIST_KINDS, LONG_KINDS, Kind

_MARKUP = "*_`#>\"'“”‘’«» \t\r"
_LABEL = re.compile(
    r"(?:the\s+|my\s+)?(?:(?:final|correct|best|right|short)\s+)?"
    r"(?:answer|response|output|label|choice|option|category|class|result)"
    r"(?:\s+is\b|\s+would\s+be\b|\s*:|\s*-(?=\s))\s*:?",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•–]\s+|\(?\d{1,2}[.)]\s+)")
_SEPARATOR = re.compile(r"(?:(?<!\d),|,(?!\d)|;|\n|\s+and\s+|\s+AND\s+)(?![^()\n]*\))")
_HEADING = re.compile(r"^\s*[A-Za-z][A-Za-z ]{0,30}:\s+(?=\S)")
_NOTHING = re.compile(
    r"(?:none|n/?a|nothing|no(?:\s+\w+){1,2}(?:\s+(?:mentioned|found|named))?)"
    r"(?:\s+(?:of\s+them|mentioned|found|given|stated))?",
    re.IGNORECASE,
)
_COMPANY_FORM = re.compile(
    r"(?:inc|incorporated|ltd|limited|corp|llc|llp|l\.p|plc|n\.a|s\.a|jr|sr)\.?(?:\s*\(\w+\))?",
    re.IGNORECASE,
)
_YES_NO = {"y": "yes", "true": "yes", "correct": "yes", "n": "no", "false": "no", "incorrect": "no"}

_SCALES = {
    **dict.fromkeys(("k", "thousand", "thousands"), 1e3),
    **dict.fromkeys(("m", "mn", "mln", "mm", "million", "millions"), 1e6),
    **dict.fromkeys(("b", "bn", "bln", "billion", "billions"), 1e9),
    **dict.fromkeys(("tn", "trn", "trillion", "trillions"), 1e12),
    "hundred": 1e2,
    "dozen": 12.0,
}
_SCALE = "|".join(sorted(_SCALES, key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.])(?P<sign>[-−+])?(?:[a-z]{{2,3}}\s?)?[$€£¥]?\s?(?P<open>\()?[$€£¥]?(?P<minus>[-−])?"
    rf"(?P<digits>\d+(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?P<close>\s?%?\))?"
    rf"(?:[\s-]?(?P<scale>{_SCALE})\b)?",
    re.IGNORECASE,
)
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBER_WORDS = {word: float(n) for n, word in enumerate(_UNITS)} | {
    word: 20.0 + 10 * n for n, word in enumerate(_TENS)
}
_IN_WORDS = re.compile(
    rf"\b(?P<first>{'|'.join(_NUMBER_WORDS)})\b(?:-(?P<second>{'|'.join(_UNITS[1:10])})\b)?"
    rf"(?:\s(?P<scale>{_SCALE})\b)?",
    re.IGNORECASE,
)


def parse(kind: Kind, text: str, choices: Sequence[str] = ()) -> Any:
    """Reads an answer out of what a system wrote.

    Args:
        choices: the possible answers of closed kinds and of multilabel, as the task spells them.

    Returns:
        None if there is no answer in it; a choice as `choices` spells it for closed kinds; a tuple
        of strings for list kinds (`()` for "none"); a float for numeric; otherwise a string: the
        first line without labels and quotes, or the whole text of a summary.
    """
    if kind == "multilabel" and choices:
        return _labels(text, choices)
    if kind in LIST_KINDS:
        return _members(text)
    if kind in LONG_KINDS:
        return text.strip() or None
    line = first_line(text)
    if not line:
        return None
    if kind == "numeric":
        return number(line)
    if kind == "yesno" and not choices:
        choices = ("yes", "no", "maybe")
    if kind in CLOSED_KINDS and choices:
        return _choice(kind, line, choices)
    return line


def first_line(text: str) -> str:
    """Returns the first line that says something, without markup, labels, quotes or full stop."""
    return next((line for line in map(_cleaned, text.splitlines()) if line), "")


def _cleaned(line: str) -> str:
    line = line.strip(_MARKUP)
    label = _LABEL.match(line)
    if label:
        line = line[label.end() :].strip(_MARKUP)
    return line.rstrip(".!,;: ").strip(_MARKUP)


def _choice(kind: Kind, line: str, choices: Sequence[str]) -> str | None:
    spelled = {_folded(choice): choice for choice in choices}
    folded = _folded(line)
    if kind == "multiple_choice":
        letter = _letter(line, len(choices))
        if letter is not None:
            by_letter = spelled.get(ascii_uppercase[letter].lower())
            return by_letter or choices[letter]
        if all(len(choice) == 1 for choice in choices):
            return None
    longest_first = sorted(spelled, key=len, reverse=True)
    any_choice = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
    start = re.match(any_choice, folded)
    if start:
        return spelled[start.group()]
    mentioned = set(re.findall(rf"(?<!not )(?<!n't ){any_choice}", folded))
    if len(mentioned) == 1:
        return spelled[mentioned.pop()]
    synonym = _YES_NO.get(re.split(r"\W", folded)[0], "") if kind == "yesno" else ""
    if synonym in spelled and not mentioned:
        return spelled[synonym]
    begun = [choice for choice in spelled if choice.startswith(folded)]  # cut off in the middle
    return spelled[begun[0]] if len(begun) == 1 and len(folded.split()) > 2 else None


def _letter(line: str, count: int) -> int | None:
    """Returns which letter stands at the start, or is the only one mentioned: `B`, `(b)`, `B.`."""
    letters = ascii_uppercase[:count]
    start = re.match(rf"\(?([{letters}])(?:[).:,]|\s*-\s|$)", line, re.IGNORECASE)
    found = {start.group(1).upper()} if start else set()
    if not found:
        word = r"(?![AI]\s+(?!or\b|and\b)[a-z])"  # "A patient", "I think": no letter of a choice
        pattern = rf"(?<![\w'])\(?{word}([{letters}])\)?(?![\w'])"
        found = set(re.findall(pattern, line)) | set(re.findall(rf"\(([{letters}])\)", line))
    return letters.index(found.pop()) if len(found) == 1 else None


def _labels(text: str, choices: Sequence[str]) -> tuple[str, ...] | None:
    """Returns the choices mentioned in `text`, in order; None if none is."""
    spelled = {_folded(choice): choice for choice in choices}
    longest_first = sorted(spelled, key=len, reverse=True)
    pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
    found = tuple(dict.fromkeys(spelled[hit] for hit in re.findall(pattern, _folded(text))))
    if not found and _NOTHING.fullmatch(first_line(text)):
        return ()
    return found or None


def _members(text: str) -> tuple[str, ...] | None:
    lines = [_BULLET.sub("", line) for line in text.strip().splitlines() if line.strip()]
    whole = _HEADING.sub("", "\n".join(lines), count=1)  # "The companies are:"
    members = split_list(_LABEL.sub("", whole, count=1) if _LABEL.match(whole) else whole)
    if len(members) == 1 and _NOTHING.fullmatch(members[0]):
        return ()
    return members or None


def split_list(text: str) -> tuple[str, ...]:
    """Splits at commas, semicolons, newlines and "and"; keeps the first of equal members.

    A comma between digits or within parentheses does not split, and a form such as `Inc.` stays
    with the name before its comma.
    """
    members: list[str] = []
    for part in _SEPARATOR.split(text):
        member = re.sub(r"^and\s+", "", part.strip(_MARKUP)).strip(_MARKUP)
        if members and members[-1][-1] != ")" and _COMPANY_FORM.fullmatch(member):
            members[-1] = f"{members[-1]}, {member.rstrip('.')}"
        elif member.rstrip(".:"):
            members.append(member.rstrip(".:"))
    first: dict[str, str] = {}
    for member in members:
        first.setdefault(_folded(member), member)
    return tuple(first.values())


def number(text: str) -> float | None:
    """Returns the first number of `text` in units of one, or None.

    Understands `$4.2 million`, `1,200`, `(3.4)` as negative, `12 percent` and `12%` as 12, `4.2m`,
    and, where there are no digits, `twenty-five` and `two million`. Units are dropped.
    """
    match = _NUMBER.search(text)
    if match:
        value = float(match["digits"].replace(",", ""))
        bracketed = bool(match["open"] and match["close"])
        negative = (match["sign"] or "+") in "-−" or bool(match["minus"]) or bracketed
        value = -value if negative else value
    else:
        match = _IN_WORDS.search(text)
        if not match:
            return None
        value = _NUMBER_WORDS[match["first"].lower()]
        value += _NUMBER_WORDS[match["second"].lower()] if match["second"] else 0.0
    value = value * _SCALES[match["scale"].lower()] if match["scale"] else value
    return value if math.isfinite(value) else None  # hundreds of digits


def _folded(text: str) -> str:
    return " ".join(text.lower().split())
