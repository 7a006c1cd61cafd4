"""Four faulty packages installed together stop nobody who does not ask for them."""

import json

import pytest

from selfspec_core.scaffold import write_package
from selfspec_core.sources import installed_domains

FAULTS = {
    "broken_import": "ModuleNotFoundError: No module named 'no_such_module'",
    "misspelt_hook": "unknown hook 'selfspec_domain'",
    "wrong_signature": "hook 'selfspec_domains'",
    "twice": "provided by both selfspec-twice and selfspec-twice-again",
}

NOVELTY = """
from selfspec_core import KEEP, Filter

class Novelty(Filter):
    name, summary, phase = "novelty", "has the name of another filter", "instruction"

    def judge(self, candidates, context):
        return [KEEP for _ in candidates]

@hookimpl
def selfspec_filters():
    return [Novelty]
"""


@pytest.fixture
def faulty(place):
    def write(name, old, new):
        folder = write_package(name, place.folder)
        file = folder / f"selfspec_{name}/__init__.py"
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
        return folder

    hook = "def selfspec_domains()"
    again = write("twice_again", '"twice_again"', '"twice"')
    project = again / "pyproject.toml"
    project.write_text(project.read_text().replace("\ntwice_again = ", "\ntwice = "))
    twice = write("twice", "an example", "one of two")
    with (twice / "selfspec_twice/__init__.py").open("a") as file:
        file.write(NOVELTY)  # a run of another domain keeps to its own
    place.install(
        write(
            "broken_import",
            "from selfspec_core import Domain",
            "import no_such_module\nfrom selfspec_core import Domain",
        ),
        write("misspelt_hook", hook, "def selfspec_domain()"),
        write("wrong_signature", hook, "def selfspec_domains(size)"),
        twice,
        again,
    )
    return place


def flat(text):
    return " ".join(text.split())


@pytest.mark.timeout(1800)
def test_listings_help_and_other_runs_work_and_name_each_fault(faulty):
    listed = faulty.selfspec("domains")  # from metadata alone
    assert listed.returncode == 0
    for name in ("finance", *FAULTS):
        assert name in listed.stdout
    assert FAULTS["twice"] in flat(listed.stdout)

    checked = faulty.selfspec("domains", "--check")
    assert checked.returncode == 1
    rows = json.loads(faulty.selfspec("domains", "--json").stdout)
    for name, fault in FAULTS.items():
        assert fault in flat(checked.stdout)
        assert all(fault in row["error"] for row in rows if row["name"] == name)
    [finance] = [row for row in rows if row["name"] == "finance"]
    assert finance["error"] is None
    assert finance["seeds"] > 80

    plugins = faulty.selfspec("plugins")
    assert plugins.returncode == 0
    either = "'selfspec-twice/twice' or 'selfspec-twice-again/twice'"
    clash = f"domain 'twice' has two providers; write {either}"
    filters = "filter 'novelty' has two providers"
    for fault in ({**FAULTS, "twice": clash, "filters": filters}).values():
        assert fault in flat(plugins.stdout)

    assert faulty.selfspec("--help").returncode == 0

    run = faulty.selfspec(*"run --domain finance --model scripted --set data.size=8".split())
    assert run.returncode == 0, run.stderr
    assert "specialized@0" in run.stdout
    for fault in FAULTS.values():
        assert fault in flat(run.stderr)


@pytest.mark.timeout(1800)
def test_asking_for_the_broken_one_is_an_error_of_one_line(faulty):
    for name, fault in FAULTS.items():
        done = faulty.selfspec("run", "--domain", name, "--model", "scripted")
        assert (done.returncode, done.stdout) == (2, "")
        assert fault in done.stderr
        assert done.stderr.count("\n") == 1
        checked = faulty.selfspec("check", name)
        assert checked.returncode == 1
        assert fault in flat(checked.stdout)
    assert not (faulty.folder / "runs").exists()


@pytest.mark.timeout(1800)
def test_one_of_two_of_a_name_can_be_asked_for(faulty):
    words = "run --model scripted --set data.size=8 --name one --domain selfspec-twice/twice"
    own = '--set filters.order=["well_formed","selfspec-twice/novelty"]'
    done = faulty.selfspec(*words.split(), *own.split())
    assert done.returncode == 0, done.stderr
    manifest = json.loads((faulty.folder / "runs/one/manifest.json").read_text())
    assert manifest["domain"] == "twice"


def test_this_environment_is_left_alone():
    assert not {source.name for source in installed_domains()} & set(FAULTS)
