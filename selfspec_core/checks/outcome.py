"""What a rule says about a package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from selfspec_core.checks.package import Package


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule's answer.

    Attributes:
        detail: what was found: counts, or what is wrong and where.
        advice: what a package of this kind usually has and this one lacks; no reason to fail.
    """

    verdict: Literal["pass", "fail", "skipped"]
    detail: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a domain package must fulfil.

    Attributes:
        judge: raises what the package raises; `apply` makes a failure of it.
        needs: rules without which this one has nothing to look at.
        timed: depends on how busy the machine is, so that no test-suite should run it.
    """

    name: str
    about: str
    judge: Callable[[Package], Outcome]
    needs: tuple[str, ...] = ()
    timed: bool = False


def passed(detail: str, advice: str = "") -> Outcome:
    """Returns a pass."""
    return Outcome("pass", detail, advice)


def skipped(why: str) -> Outcome:
    """Returns that there was nothing to judge."""
    return Outcome("skipped", why)


def verdict_on(faults: list[str], otherwise: str, advice: str = "") -> Outcome:
    """Returns a failure that names the first three faults, or a pass with `otherwise`."""
    if not faults:
        return passed(otherwise, advice)
    more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
    return Outcome("fail", "; ".join(faults[:3]) + more)
