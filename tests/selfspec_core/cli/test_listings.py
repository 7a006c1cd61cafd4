import json

import pytest
from click.testing import CliRunner

from selfspec_core.cli import domains as domains_module
from selfspec_core.cli.main import selfspec as cli
from selfspec_core.plugins import HOOKS
from selfspec_core.sources import DOMAIN_GROUP, PLUGIN_GROUP

CHEMISTRY = """
from selfspec_core import Domain, Item, Seed, SeedSource, Task, hookimpl

def seed(number, task):
    return Seed(f"c-{number}", task, "open_qa", "[red]Name[/] the acid.", "HCl", "\\x1b[31mit")

class Chemistry(Domain):
    name, title, summary = "chemistry", "Chemistry", "reactions"

    def tasks(self):
        item = Item("i-1", "acids", "open_qa", "Name it.", "HCl", ("chloric acid",), "token_f1")
        return [Task("acids", "open_qa", "token_f1", "Acids", "names", (), (item, item))]

class ChemistrySeeds(SeedSource):
    name, summary = "chemistry", "three seeds"

    def seeds(self):
        return [seed(1, "acids"), seed(2, "acids"), seed(3, "bases")]

@hookimpl
def selfspec_domains():
    return [Chemistry]

@hookimpl
def selfspec_seed_sources(domain):
    return [ChemistrySeeds] if domain == "chemistry" else []
"""


@pytest.fixture(autouse=True)
def packages(site):
    site.add("selfspec-chemistry", DOMAIN_GROUP, "chemistry", "chemistry_pack", CHEMISTRY, "2.0")
    site.add("selfspec-bad", DOMAIN_GROUP, "bad", "bad_pack", "raise RuntimeError('[b]no file')\n")


def called(*arguments, code=0):
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == code, result.output
    return result.stdout


def row_of(rows, **wanted):
    [row] = [row for row in rows if wanted.items() <= row.items()]
    return row


def test_domains_come_from_metadata_alone(site):
    text = called("domains")
    assert "selfspec-chemistry" in text
    assert "2.0" in text
    assert "failed" not in text  # the broken one was not imported


def test_domains_as_json_are_loaded_and_counted():
    rows = json.loads(called("domains", "--json"))
    good = row_of(rows, name="chemistry")
    assert (good["seeds"], good["tasks"], good["items"], good["error"]) == (3, 1, 2, None)
    assert good["passages"] == 0
    assert (
        "selfspec-bad 1.0 failed to load: RuntimeError: [b]no file"
        in row_of(rows, name="bad")["error"]
    )


def test_checking_domains_shows_the_failed_ones_and_fails():
    text = called("domains", "--check", code=1)
    assert "bad failed: " in text
    assert "[b]no file" in " ".join(text.split())


def test_no_domain_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(domains_module, "installed_domains", list)
    assert "pip install ./domains/finance" in called("domains")
    assert json.loads(called("domains", "--json")) == []


def test_plugins_name_kind_summary_and_origin(site):
    site.add("sick-plugin", PLUGIN_GROUP, "sick", "sick_plugin", "import no_such_module\n")
    listing = json.loads(called("plugins", "--json"))
    found = row_of(listing["components"], kind="domains", name="chemistry")
    assert found["summary"] == "reactions"
    assert (found["plugin"], found["dist"], found["version"]) == (
        "chemistry",
        "selfspec-chemistry",
        "2.0",
    )
    assert row_of(listing["components"], kind="models", name="scripted")["dist"] == "selfspec"
    row_of(listing["components"], kind="evaluators", name="answers")  # once, not once a domain
    assert "no_such_module" in row_of(listing["failed"], plugin="sick")["error"]
    assert row_of(listing["failed"], plugin="bad")["dist"] == "selfspec-bad"
    assert "sick (sick-plugin 1.0) failed" in called("plugins")


@pytest.mark.parametrize("hook", ["models", "selfspec_models"])
def test_plugins_of_one_hook(hook):
    rows = json.loads(called("plugins", "--hook", hook, "--json"))["components"]
    assert {row["kind"] for row in rows} == {"models"}


def test_third_party_plugins_can_be_left_out():
    listing = json.loads(called("plugins", "--no-plugins", "--json"))
    assert {row["dist"] for row in listing["components"]} == {"selfspec"}
    assert not [row for row in listing["failed"] if row["dist"] == "selfspec-bad"]


def test_hooks_name_who_implements_them():
    rows = json.loads(called("hooks", "--json"))
    assert [row["hook"] for row in rows] == list(HOOKS.values())
    assert "chemistry" in row_of(rows, hook="selfspec_domains")["implemented_by"]
    assert "selfspec_retrievers(domain)" in called("hooks")


def test_seeds_are_counted_by_task_with_a_sample_that_is_only_text():
    text = called("seeds", "chemistry")
    assert "3 seeds over 2 tasks of chemistry" in text
    assert "[red]Name[/] the acid. | HCl →" in " ".join(text.split())
    assert "\x1b" not in text


def test_seeds_of_one_task_as_json():
    rows = json.loads(called("seeds", "chemistry", "--task", "acids", "--json"))
    assert [row["id"] for row in rows] == ["c-1", "c-2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seeds", "chemisty"], "did you mean 'chemistry'"),
        (["seeds", "bad"], "selfspec-bad 1.0 failed to load"),
        (["seeds", "chemistry", "--task", "acid"], "did you mean 'acids'"),
        (["plugins", "--hook", "modles"], "did you mean 'models'"),
    ],
)
def test_wrong_names_name_the_nearest(arguments, message):
    assert message in str(CliRunner().invoke(cli, arguments).exception)
