"""The package keeps the rules of a domain package."""

from selfspec_core.testing import DomainSuite


class TestFinance(DomainSuite):
    """One test a rule."""

    domain = "finance"
