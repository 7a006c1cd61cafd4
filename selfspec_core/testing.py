"""The checks of `selfspec check` in pytest, for the tests of a domain package (needs pytest).

```python
from selfspec_core.testing import DomainSuite

class TestChemistry(DomainSuite):
    domain = "chemistry"
```
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from selfspec_core.checks import RULES, Outcome, Package, Rule, apply, opened


class DomainSuite:
    """One test for each rule; a subclass names the domain.

    What depends on how busy the machine is (`import_time`) is left to `selfspec check`.

    Attributes:
        domain: name of an installed domain, or the folder of a package.
    """

    domain: ClassVar[str | Path]

    @pytest.fixture(scope="class")
    def package(self) -> Iterator[Package]:
        """The package, read once for all rules."""
        with opened(self.domain) as package:
            yield package

    @pytest.fixture(scope="class")
    def outcomes(self) -> dict[str, Outcome]:
        """What the rules before said: a rule is skipped where one that it needs has failed."""
        return {}

    @pytest.mark.parametrize(
        "rule", [pytest.param(rule, id=rule.name) for rule in RULES if not rule.timed]
    )
    def test_rule(self, rule: Rule, package: Package, outcomes: dict[str, Outcome]) -> None:
        """Fails, or is skipped, with the rule's own words."""
        outcome = outcomes[rule.name] = apply(rule, package, outcomes)
        if outcome.verdict == "skipped":
            pytest.skip(outcome.detail)
        assert outcome.verdict == "pass", outcome.detail
