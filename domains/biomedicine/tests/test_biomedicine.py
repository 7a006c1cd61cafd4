"""The package keeps the rules of a domain package."""

from selfspec_core.testing import DomainSuite


class TestBiomedicine(DomainSuite):
    """One test a rule."""

    domain = "biomedicine"
