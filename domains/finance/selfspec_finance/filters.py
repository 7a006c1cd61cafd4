"""The finance domain's check: figures in an answer come from the input."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import permutations
from math import isclose
from typing import ClassVar, Literal

from selfspec_core import KEEP, Context, Example, Filter, Verdict

_FIGURE = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
MOST_FIGURES = 14
"""Figures of an input from which others are worked out; a table has no end of combinations."""


class FiguresFollow(Filter):
    """Rejects an answer with a figure that the input neither holds nor leads to.

    A figure follows if at most two steps of arithmetic on the input's figures give it: sums,
    differences, products, quotients, shares and changes in percent, to the digits shown.
    """

    name = "figures_follow"
    summary = "rejects answers with figures that do not follow from the input"
    phase: ClassVar[Literal["instruction", "example"]] = "example"

    def judge(self, candidates: Sequence[Example], context: Context) -> list[Verdict]:
        """Returns one verdict per candidate; answers without figures are kept."""
        return [self._verdict(candidate) for candidate in candidates]

    def _verdict(self, candidate: Example) -> Verdict:
        given = figures(candidate.input)
        for figure in figures(candidate.output):
            if not follows(figure, given):
                return Verdict(False, "figure does not follow from the input", figure)
        return KEEP


def figures(text: str) -> list[str]:
    """Returns the figures of a text as written, thousands separators taken out."""
    return [found.group().rstrip(",").replace(",", "") for found in _FIGURE.finditer(text)]


def follows(figure: str, given: Sequence[str]) -> bool:
    """Says whether a figure is among the given ones or worked out from them."""
    if figure in given:
        return True
    value, digits = float(figure), len(figure.partition(".")[2])
    numbers = [float(g) for g in dict.fromkeys(given)][:MOST_FIGURES]
    if any(isclose(value, number) for number in (*numbers, sum(map(float, given)))):
        return True
    rounding = 0.5 * 10.0**-digits + 1e-9 if digits else 1e-6  # a whole number is no rounding
    for first, second in permutations(numbers, 2):
        for exact in (first + second, first - second, first * second):
            if isclose(exact, value, abs_tol=1e-6):
                return True
            for third in numbers:
                if any(isclose(exact + sign * third, value, abs_tol=1e-6) for sign in (1, -1)):
                    return True
                if any(abs(q - value) <= rounding for q in _quotients(exact, third)):
                    return True
        if any(abs(quotient - value) <= rounding for quotient in _quotients(first, second)):
            return True
    return False


def _quotients(first: float, second: float) -> tuple[float, ...]:
    """Returns the quotient and the percentage; a change in percent is one of a difference."""
    return (first / second, 100 * first / second) if second else ()
