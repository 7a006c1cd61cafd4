"""The domain of no field: what every domain package must pass, and what it is for."""

from collections import Counter

import pytest

from selfspec_core.checks import RULES, Package, apply
from selfspec_core.plugins import PluginHost
from selfspec_core.similarity.text import within_reach, words

PACKAGED = {"names", "import_light", "recipes"}  # rules of a distribution of its own
FIELDS = (
    "bank loan shares stock market dividend investor court lawyer lawsuit contract doctor "
    "nurse hospital patient drug disease tumour gene"
).split()


@pytest.fixture(scope="module")
def package():
    return Package("general", "selfspec", "0", "selfspec_plugins.general.plugin")


@pytest.fixture(scope="module")
def outcomes():
    return {}


@pytest.mark.parametrize(
    "rule", [r for r in RULES if not r.timed and r.name not in PACKAGED], ids=lambda r: r.name
)
def test_it_passes_the_rules_of_a_domain(rule, package, outcomes):
    outcome = outcomes[rule.name] = apply(rule, package, outcomes)
    if rule.name == "passages":
        assert outcome.verdict == "skipped"  # there is no knowledge of no field
    else:
        assert outcome.verdict == "pass", outcome.detail


def test_there_is_enough_of_it(package):
    seeds = Counter(seed.task for seed in package.seeds)
    assert seeds.total() >= 60 and len(seeds) >= 10
    assert len({seed.kind for seed in package.seeds}) >= 10
    splits = [Counter(item.split for item in task.items) for task in package.tasks]
    assert len(splits) >= 6
    assert all(split["dev"] >= 12 and split["test"] >= 30 for split in splits)


def test_a_small_model_can_read_it(package):
    assert all(within_reach(row.instruction, row.input) for row in package.rows)


def test_it_belongs_to_no_field(package):
    said = {word for row in package.rows for word in words(f"{row.instruction} {row.input}")}
    strange = said & set(FIELDS)
    assert strange <= {"market", "bank"}  # where vegetables are sold; of a river


def test_every_domain_of_this_repository_is_another(package):
    host = PluginHost()
    host.load_defaults()
    host.load_every_domain()
    own = {words_of(item.input) for item in package.items}
    others = [cls for _, cls in host.offered("domains") if cls.name != "general"]
    assert others
    for cls in others:
        items = (item for task in cls().tasks() for item in task.items)
        assert not own & {words_of(item.input) for item in items}


def words_of(text):
    return tuple(words(text))
