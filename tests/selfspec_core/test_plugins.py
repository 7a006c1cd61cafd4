import pytest

from selfspec_core.errors import UsageError
from selfspec_core.plugins import DEFAULT_PLUGINS, HOOKS, PluginHost
from selfspec_core.sources import DOMAIN_GROUP, PLUGIN_GROUP, installed_domains

FILTER = """
from selfspec_core import KEEP, Filter, hookimpl

class {cls}(Filter):
    name = "{name}"
    summary = "keeps all"
    phase = "example"

    def judge(self, candidates, context):
        return [KEEP for _ in candidates]

@hookimpl
def selfspec_filters():
    return [{cls}]
"""

DOMAIN = """
from selfspec_core import Domain, hookimpl

class Chemistry(Domain):
    name = title = "chemistry"
    summary = "reactions"

@hookimpl
def selfspec_domains():
    return [Chemistry]
"""


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    monkeypatch.delenv("SELFSPEC_PLUGINS", raising=False)
    monkeypatch.delenv("SELFSPEC_STRICT", raising=False)


def loaded(**options):
    host = PluginHost(**options)
    host.load_defaults()
    return host


def add_filter(site, dist, module, name="gentle"):
    site.add(dist, PLUGIN_GROUP, module, module, FILTER.format(cls="Gentle", name=name))


def failure(host, name):
    [source] = [source for source in host.failures() if source.name == name]
    return source


def test_the_table_says_what_each_built_in_offers():
    host = loaded(third_party=False)
    offers = {module: set() for module in DEFAULT_PLUGINS}
    for what in HOOKS:
        for source, _ in host.offered(what, "general"):
            offers[source.name].add(what)
    assert offers == {module: set(kinds) for module, kinds in DEFAULT_PLUGINS.items()}


def test_built_ins_of_one_kind_are_loaded_alone():
    host = PluginHost(third_party=False)
    host.load_defaults("seed_sources")
    names = {"selfspec_plugins.general.plugin", "selfspec_plugins.instructlab"}
    assert {source.name for source in host.sources.values()} == names
    assert host.has("seed_sources", "general", "general")


def test_a_good_plugin_is_offered_with_its_distribution(site):
    add_filter(site, "good-plugin", "good_plugin")
    host = loaded()
    [source] = [source for source, cls in host.offered("filters") if cls.name == "gentle"]
    assert (source.dist, source.version, source.error) == ("good-plugin", "1.0", None)
    assert host.build("filters", "gentle").judge([1, 2], None)[1].keep


def test_a_plugin_that_cannot_be_imported_is_kept_with_its_error(site):
    site.add("sick-plugin", PLUGIN_GROUP, "sick", "sick_plugin", "import no_such_module\n")
    add_filter(site, "good-plugin", "good_plugin")
    host = loaded()
    assert failure(host, "sick").error == "ModuleNotFoundError: No module named 'no_such_module'"
    assert "sick_plugin.py" in failure(host, "sick").trace
    assert host.has("filters", "gentle")


def test_a_misspelt_hook_is_an_error_and_leaves_nothing_behind(site):
    source = FILTER.format(cls="Gentle", name="gentle").replace(
        "def selfspec_filters", "def selfspec_filter"
    )
    site.add("typo-plugin", PLUGIN_GROUP, "typo", "typo_plugin", source)
    add_filter(site, "good-plugin", "good_plugin", "other")
    host = loaded()
    assert "selfspec_filter" in failure(host, "typo").error
    assert host.has("filters", "other")


def test_a_plugin_without_hooks_is_an_error(site):
    site.add("empty-plugin", PLUGIN_GROUP, "empty", "empty_plugin", "x = 1\n")
    assert "implements no selfspec hook" in failure(loaded(), "empty").error


def test_a_hook_argument_that_does_not_exist_is_an_error(site):
    source = FILTER.format(cls="Gentle", name="gentle").replace("filters()", "filters(domain)")
    site.add("wrong-plugin", PLUGIN_GROUP, "wrong", "wrong_plugin", source)
    host = loaded()
    assert "domain" in failure(host, "wrong").error
    assert not host.has("filters", "gentle")


def test_a_hook_may_take_fewer_arguments_than_its_spec(site):
    source = (
        "from selfspec_core import Retriever, hookimpl\n"
        "class Notes(Retriever):\n    name = summary = 'notes'\n"
        "@hookimpl\ndef selfspec_retrievers():\n    return [Notes]\n"
    )
    site.add("short-plugin", PLUGIN_GROUP, "short", "short_plugin", source)
    assert loaded().has("retrievers", "notes", "finance")


def test_a_hook_that_raises_is_a_failed_plugin(site):
    source = "from selfspec_core import hookimpl\n@hookimpl\ndef selfspec_filters():\n    1 / 0\n"
    site.add("late-plugin", PLUGIN_GROUP, "late", "late_plugin", source)
    add_filter(site, "good-plugin", "good_plugin")
    host = loaded()
    assert host.has("filters", "gentle")
    assert "ZeroDivisionError" in failure(host, "late").error


def test_two_providers_of_one_name_have_to_be_told_apart(site):
    add_filter(site, "dist-a", "module_a")
    add_filter(site, "dist-b", "module_b")
    host = loaded()
    with pytest.raises(UsageError, match="'dist-a/gentle' or 'dist-b/gentle'"):
        host.find("filters", "gentle")
    assert host.find("filters", "dist-b/gentle").__module__ == "module_b"


def test_an_unknown_component_names_the_nearest(site):
    add_filter(site, "good-plugin", "good_plugin")
    with pytest.raises(UsageError, match="no filter is called 'gentel'; did you mean 'gentle'"):
        loaded().find("filters", "gentel")


def test_third_parties_can_be_left_out_or_chosen(site, monkeypatch):
    add_filter(site, "dist-a", "module_a", "a")
    add_filter(site, "dist-b", "module_b", "b")
    assert not loaded(third_party=False).has("filters", "a")
    monkeypatch.setenv("SELFSPEC_PLUGINS", "module_b")
    host = loaded()
    assert (host.has("filters", "a"), host.has("filters", "b")) == (False, True)


def test_strict_makes_a_failed_plugin_an_error(site, monkeypatch):
    site.add("sick-plugin", PLUGIN_GROUP, "sick", "sick_plugin", "import no_such_module\n")
    monkeypatch.setenv("SELFSPEC_STRICT", "1")
    with pytest.raises(UsageError, match=r"sick \(sick-plugin 1\.0\) failed to load"):
        loaded()


def test_a_panic_of_a_library_in_rust_is_a_failed_plugin(site):
    site.add(
        "rusty", PLUGIN_GROUP, "rusty", "rusty", "raise BaseException('index out of bounds')\n"
    )
    [failure] = loaded().failures()
    assert failure.error == "BaseException: index out of bounds"


def test_every_built_in_plugin_loads():
    host = loaded(third_party=False)
    assert [f"{source}: {source.error}" for source in host.failures()] == []


def test_domains_are_listed_without_being_imported(site):
    site.add("selfspec-bad", DOMAIN_GROUP, "bad", "bad_domain", "raise RuntimeError('imported')\n")
    [source] = [source for source in installed_domains() if source.name == "bad"]
    assert (source.dist, source.version) == ("selfspec-bad", "1.0")


def test_only_the_domain_asked_for_is_imported(site):
    site.add("selfspec-bad", DOMAIN_GROUP, "bad", "bad_domain", "raise RuntimeError('imported')\n")
    site.add("selfspec-chemistry", DOMAIN_GROUP, "chemistry", "chemistry_domain", DOMAIN)
    host = loaded()
    host.load_domain("chemistry")
    assert host.build("domains", "chemistry").summary == "reactions"
    assert host.failures() == []


def test_an_unknown_domain_names_the_nearest(site):
    site.add("selfspec-chemistry", DOMAIN_GROUP, "chemistry", "chemistry_domain", DOMAIN)
    message = "--domain chemisty: no such domain; did you mean 'chemistry'"
    with pytest.raises(UsageError, match=message):
        loaded().load_domain("chemisty")


def test_a_domain_that_fails_names_distribution_version_and_error(site):
    site.add("selfspec-bad", DOMAIN_GROUP, "bad", "bad_domain", "raise RuntimeError('no file')\n")
    message = "--domain bad: selfspec-bad 1.0 failed to load: RuntimeError: no file"
    with pytest.raises(UsageError, match=message):
        loaded().load_domain("bad")


def test_a_package_that_lacks_the_domain_it_announces_is_an_error(site):
    site.add("selfspec-alchemy", DOMAIN_GROUP, "alchemy", "alchemy_domain", DOMAIN)
    host = loaded()
    with pytest.raises(UsageError, match="alchemy"):
        host.load_domain("alchemy")
        host.build("domains", "alchemy")


def test_a_domain_provided_twice_is_an_error(site):
    site.add("selfspec-chemistry", DOMAIN_GROUP, "chemistry", "chemistry_domain", DOMAIN)
    site.add("other-chemistry", DOMAIN_GROUP, "chemistry", "chemistry_other", DOMAIN)
    with pytest.raises(UsageError, match="both other-chemistry and selfspec-chemistry"):
        loaded().load_domain("chemistry")


def test_a_broken_domain_does_not_stop_the_others(site):
    site.add("selfspec-bad", DOMAIN_GROUP, "bad", "bad_domain", "raise RuntimeError('no file')\n")
    site.add("selfspec-chemistry", DOMAIN_GROUP, "chemistry", "chemistry_domain", DOMAIN)
    host = loaded()
    host.load_every_domain()
    assert host.has("domains", "chemistry")
    assert failure(host, "bad").error == "RuntimeError: no file"
