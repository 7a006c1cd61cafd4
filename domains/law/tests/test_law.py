"""The package keeps the rules of a domain package."""

from selfspec_core.testing import DomainSuite


class TestLaw(DomainSuite):
    """One test a rule."""

    domain = "law"
