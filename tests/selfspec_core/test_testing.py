"""DomainSuite in a pytest of its own, as in the tests of a domain package."""

import subprocess
import sys

import pytest

from selfspec_core.checks import RULES
from selfspec_core.scaffold import write_package

SUITE = """
from selfspec_core.testing import DomainSuite

class TestChemistry(DomainSuite):
    domain = "selfspec-chemistry"
"""


@pytest.fixture
def tested(tmp_path):
    def run(*words):
        (tmp_path / "test_chemistry.py").write_text(SUITE)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-rA",
            "test_chemistry.py",
        ]
        return subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True)

    return run


def test_one_test_a_rule_but_for_those_that_are_timed(tmp_path, tested):
    write_package("chemistry", tmp_path)
    done = tested()
    assert done.returncode == 0, done.stdout
    for rule in RULES:
        passed = f"PASSED test_chemistry.py::TestChemistry::test_rule[{rule.name}]" in done.stdout
        assert passed is not rule.timed


def test_a_broken_package_fails_with_the_words_of_the_rule(tmp_path, tested):
    folder = write_package("chemistry", tmp_path)
    seeds = folder / "selfspec_chemistry/seeds.jsonl"
    seeds.write_text(seeds.read_text().replace('"licence": "Apache-2.0"', '"licence": ""', 1))
    done = tested("-k", "licences or loads or seeds")
    assert done.returncode == 1
    assert "chemistry-hazard-01: 'licence' is missing" in done.stdout
    assert "1 failed" in done.stdout
