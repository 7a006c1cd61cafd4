"""Small packages that break one rule each: the scaffold, changed in one place."""

import json
import re

import pytest

from selfspec_core.checks import RULES, apply, check, opened
from selfspec_core.checks.data import uneven
from selfspec_core.errors import UsageError
from selfspec_core.scaffold import write_package

INIT = "selfspec_chemistry/__init__.py"
RECIPE = "selfspec_chemistry/domain.toml"
SEEDS = "selfspec_chemistry/seeds.jsonl"
TASK = "selfspec_chemistry/tasks/hazard.toml"
ITEMS = "selfspec_chemistry/tasks/hazard.jsonl"
PASSAGES = "selfspec_chemistry/knowledge/passages.jsonl"
PROJECT = "pyproject.toml"


@pytest.fixture
def folder(tmp_path):
    return write_package("chemistry", tmp_path)


def judged(folder, name):
    """Applies one rule alone."""
    [rule] = [rule for rule in RULES if rule.name == name]
    with opened(folder) as package:
        return apply(rule, package, {})


def replace(file, old, new):
    """Returns a change: one piece of text in a file becomes another."""

    def change(folder):
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))

    return change


def add(file, text):
    """Returns a change: text at the end of a file."""

    def change(folder):
        with (folder / file).open("a") as opened_file:
            opened_file.write(text)

    return change


def row(file, number, **values):
    """Returns a change: keys of one line get other values, or go away with None."""

    def change(folder):
        lines = (folder / file).read_text().splitlines()
        changed = {**json.loads(lines[number]), **values}
        lines[number] = json.dumps({k: v for k, v in changed.items() if v is not None})
        (folder / file).write_text("\n".join(lines) + "\n")

    return change


def rows(file, keep=lambda row: True, **values):
    """Returns a change: only some lines stay, all with other values."""

    def change(folder):
        found = [json.loads(line) for line in (folder / file).read_text().splitlines()]
        lines = [json.dumps({**one, **values}) for one in found if keep(one)]
        (folder / file).write_text("".join(f"{line}\n" for line in lines))

    return change


def remove(file):
    return lambda folder: (folder / file).unlink()


def folder_instead(file):
    """Returns a change: a folder stands where a file should."""

    def change(folder):
        (folder / file).unlink()
        (folder / file).mkdir()

    return change


def link_to_nowhere(file):
    """Returns a change: a file becomes a link to none."""

    def change(folder):
        (folder / file).unlink()
        (folder / file).symlink_to("nowhere")

    return change


def not_utf8(file):
    return lambda folder: (folder / file).write_bytes((folder / file).read_bytes() + b"\xe4\n")


def rename_folder(folder):
    (folder / "selfspec_chemistry").rename(folder / "selfspec_chem")
    for file in (PROJECT, "selfspec_chem/__init__.py"):
        replace(file, "selfspec_chemistry", "selfspec_chem")(folder)


def heavy_import(folder):
    (folder / "spacy.py").write_text("")  # stands for the library, which is not installed here
    add(INIT, "import spacy\n")(folder)


SLOW = """
import time
start = time.process_time()
while time.process_time() < start + 0.4:
    pass
"""

BOOM = """
from selfspec_core import Filter

class Boom(Filter):
    name, summary, phase = "boom", "breaks when it is used", "instruction"

    def judge(self, candidates, context):
        raise RuntimeError("no judgement today")

@hookimpl
def selfspec_filters():
    return [Boom]
"""


def breaks_when_run(folder):
    add(INIT, BOOM)(folder)
    replace(RECIPE, "data.size = 96", 'data.size = 96\nfilters.order = ["boom"]')(folder)


OTHER = """
class OtherSeeds(SeedSource):
    name, summary = "other", "a seed of a task that has seeds, of another kind"

    def seeds(self):
        from selfspec_core.types import Seed

        return [Seed("other-1", "reading", "open_qa", "Say when.", "At noon.", "noon")]
"""


def another_kind(folder):
    add(INIT, OTHER)(folder)
    replace(INIT, "return [ChemistrySeeds]", "return [ChemistrySeeds, OtherSeeds]")(folder)


WIND = "Gusts near 110 km/h may bring down branches on the Tarrow ridge by midnight; lorries \
should avoid the viaduct."
ITEM = "Cranes at the container terminal stop work when the anemometer passes 72 km/h, as it will \
by four."

PACKAGE = '    package = "selfspec_chemistry"'
EMPTY = "\n\n    def recipe(self, size):\n        return {}"

BROKEN = [
    ("names", replace(PROJECT, '"selfspec-chemistry"', '"chemistry-pack"'), "'chemistry-pack'"),
    ("names", rename_folder, "folder is called 'selfspec_chem', not 'selfspec_chemistry'"),
    ("names", remove(RECIPE), "the recipe is missing: selfspec_chemistry/domain.toml"),
    ("import_light", heavy_import, "import selfspec_chemistry imports spacy"),
    ("import_light", add(INIT, "import no_such_module\n"), "No module named 'no_such_module'"),
    ("import_time", add(INIT, SLOW), " s"),
    ("loads", add(INIT, "1 / 0\n"), "ZeroDivisionError: division by zero"),
    ("loads", replace(INIT, "def selfspec_domains", "def selfspec_domain"), "selfspec_domain'"),
    ("loads", replace(INIT, "(domain: str)", "(domain: str, size: int)"), "size"),
    ("loads", replace(INIT, "return [Chemistry]", "return Chemistry"), "instead of a list"),
    ("loads", replace(INIT, 'name = "chemistry"\n    title', 'name = "chem"\n    title'), "chem"),
    ("recipes", replace(RECIPE, "data.size", "data.amount"), "'data.amount'"),
    ("recipes", replace(RECIPE, "data.size = 96", "data.size = -1"), "'data.size' = -1"),
    ("recipes", replace(RECIPE, "recipes.full", "recipes.large"), "unknown table 'large'"),
    ("recipes", replace(RECIPE, "[recipe]", "[recipie]"), "did you mean 'recipe'?"),
    ("recipes", add(RECIPE, "oops"), "domain.toml: not valid TOML"),
    ("recipes", replace(INIT, PACKAGE, f"{PACKAGE}{EMPTY}"), "is not what domain.toml says"),
    ("components", add(RECIPE, '[recipes.full.propose]\ngenerator="label_frist"\n'), "label_first"),
    ("components", add(RECIPE, '[recipes.full.filters]\norder=["novlty"]\n'), "mean 'novelty'?"),
    (
        "components",
        add(RECIPE, "[recipes.full.filters.novelty]\nthreshold = 2\n"),
        "recipe full: filters.order: filters.novelty: 'threshold' = 2",
    ),
    ("components", add(RECIPE, '[recipes.full.retrieval]\nretriever="nosuch"\n'), "'nosuch'"),
    ("components", add(RECIPE, '[recipes.full.answer]\ngenerator="nosuch"\n'), "answer.generator"),
    ("seeds", add(SEEDS, "{oops\n"), "seeds.jsonl:13: not valid JSON"),
    ("seeds", row(SEEDS, 2, output=None), "seeds.jsonl:3: key 'output'"),
    ("seeds", row(SEEDS, 3, id="chemistry-hazard-01"), "id 'chemistry-hazard-01' is used twice"),
    ("seeds", row(SEEDS, 0, output="hail"), "output 'hail' is none of choices"),
    ("seeds", rows(SEEDS, keep=lambda row: False), "holds no seed"),
    ("seeds", row(SEEDS, 5, choices=["wind", "hail"]), "chemistry-hazard-06: other choices than"),
    ("seeds", replace(INIT, 'if domain == "chemistry"', 'if domain == "x"'), "no plugin offers"),
    ("seeds", another_kind, "other-1: kind open_qa, but chemistry-reading-01"),
    ("licences", row(SEEDS, 4, licence=" "), "chemistry-hazard-05: 'licence' is missing"),
    ("licences", row(SEEDS, 6, source=None), "chemistry-reading-01: 'source' is missing"),
    ("tasks", replace(TASK, "macro_f1", "macro-f2"), "macro-f2"),
    ("tasks", add(TASK, "a = " + "[" * 9999), "tasks/hazard.toml: not valid TOML"),
    ("tasks", row(ITEMS, 0, output=["hail"]), "hazard.jsonl:1: 'output': 'hail' is no choice"),
    ("tasks", rows(SEEDS, keep=lambda row: row["task"] == "reading"), "no seed; write some, or"),
    ("tasks", replace(TASK, 'classification"', 'multiple_choice"'), "seeds are classification"),
    ("tasks", replace(TASK, '"frost"]', '"frost", "hail"]'), "choices differ from those"),
    ("counts", rows(SEEDS, keep=lambda row: row["id"][-2:] != "06"), "10 seeds, at least 12"),
    ("counts", rows(ITEMS, split="test"), "4 dev items, at least 8 needed"),
    ("counts", rows(ITEMS, split="dev"), "0 test items of a task, at least 4 needed"),
    ("labels", replace(SEEDS, '"output": "rain"', '"output": "wind"'), "4 of 6 are 'wind'"),
    ("labels", rows(ITEMS, output=["rain"]), "4 of 4 are 'rain', with 3 choices"),
    ("seeds_apart", row(SEEDS, 1, input=WIND), "chemistry-hazard-02 is near chemistry-hazard-01"),
    ("items_apart", row(SEEDS, 0, input=ITEM), "chemistry-hazard-01 shares 13 words .* hazard-005"),
    ("passages", row(PASSAGES, 1, source=" "), "passages.jsonl:2: 'source' is missing"),
    ("passages", row(PASSAGES, 2, text=None), "passages.jsonl:3: 'text' is missing"),
    ("passages", row(PASSAGES, 3, id="chemistry-001"), "id 'chemistry-001' is used twice"),
    ("passages", rows(PASSAGES, id=["x"]), "passages.jsonl:1: 'id' is missing"),
    ("passages", add(PASSAGES, "not json\n"), "passages.jsonl:7: not valid JSON"),
    ("recipes", folder_instead(RECIPE), "domain.toml: cannot be read (Is a directory)"),
    ("seeds", link_to_nowhere(SEEDS), "seeds.jsonl: no such file"),
    ("seeds", not_utf8(SEEDS), "seeds.jsonl: not UTF-8 at byte"),
    ("seeds", row(SEEDS, 1, id="a\x1b[31m"), "seeds.jsonl:2: 'id': 'a\\x1b[31m' holds a control"),
    ("tasks", row(ITEMS, 2, id="a\n"), "hazard.jsonl:3: 'id': 'a\\n' holds a control character"),
    ("tasks", row(ITEMS, 2, id="a\u202e"), "'a\\u202e' holds a control character (U+202E)"),
    ("tasks", folder_instead(TASK), "tasks/hazard.toml: cannot be read (Is a directory)"),
    ("tasks", link_to_nowhere(TASK), "tasks/hazard.toml: cannot be read (No such file"),
    ("run", breaks_when_run, "exit code 1: Error: .*no judgement today"),
]


@pytest.mark.parametrize(
    ("rule", "change", "message"), BROKEN, ids=[f"{r}-{n}" for n, (r, _, _) in enumerate(BROKEN)]
)
def test_a_package_that_breaks_a_rule_fails_it(folder, rule, change, message):
    assert rule == "run" or judged(folder, rule).verdict in ("pass", "skipped")
    change(folder)
    outcome = judged(folder, rule)
    assert outcome.verdict == "fail"
    exact = message if re.search(r"\.\*|\|", message) else re.escape(message)
    assert re.search(exact, outcome.detail), outcome.detail


def test_every_rule_is_broken_by_some_package():
    assert {rule for rule, _, _ in BROKEN} == {rule.name for rule in RULES}


def test_the_scaffold_passes_and_is_told_what_it_lacks(folder):
    with opened(folder) as package:
        outcomes = {rule.name: outcome for rule, outcome in check(package)}
    del outcomes["import_time"]  # what it says depends on the machine
    assert {name for name, outcome in outcomes.items() if outcome.verdict != "pass"} == set()
    assert outcomes["counts"].advice.startswith("below what is recommended: 12 of 80 seeds")
    assert [name for name, outcome in outcomes.items() if outcome.advice] == ["counts"]


def test_a_rule_that_needs_a_failed_one_is_skipped(folder):
    add(INIT, "1 / 0\n")(folder)
    with opened(folder) as package:
        outcomes = {rule.name: outcome for rule, outcome in check(package)}
    assert outcomes["loads"].verdict == "fail"
    assert (outcomes["seeds"].verdict, outcomes["seeds"].detail) == ("skipped", "needs 'loads'")
    assert (outcomes["run"].verdict, outcomes["run"].detail) == ("skipped", "needs 'components'")


def test_the_retrieval_that_the_recipe_only_hints_at_is_right(folder):
    replace(RECIPE, "# retrieval = ", "retrieval = ")(folder)
    assert "knowledge" in judged(folder, "components").detail
    with opened(folder) as package:
        assert package.settings("full").retrieval.k == 3


def test_without_passages_there_is_nothing_to_judge(folder):
    remove(PASSAGES)(folder)
    assert judged(folder, "passages").verdict == "skipped"


def test_a_folder_leaves_nothing_on_the_import_path(folder):
    import sys

    before = list(sys.path)
    with opened(folder) as package:
        assert package.domain.name == "chemistry"
        assert "selfspec_chemistry" in sys.modules
    assert sys.path == before
    assert "selfspec_chemistry" not in sys.modules


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove(PROJECT), "pyproject.toml: no such file; expected the folder of a domain package"),
        (add(PROJECT, "oops"), "pyproject.toml: not valid TOML"),
        (replace(PROJECT, "selfspec.domains", "selfspec.plugins"), "expected one line NAME = "),
        (replace(PROJECT, "name = ", "title = "), "'project.name': expected the name"),
        (replace(PROJECT, '"selfspec-chem', '"../../chem'), "'project.name': expected the name"),
        (replace(PROJECT, '"0.1.0"', '"1/../../x"'), "'project.version': expected a version"),
        (replace(PROJECT, '"selfspec_chemistry"\n', "3\n"), "expected lines NAME = "),
        (replace(PROJECT, '"selfspec_chemistry"\n', '""\n'), "expected lines NAME = "),
        (replace(PROJECT, "[project]", "[other]"), "'project.name': expected the name"),
        (
            lambda folder: (folder / PROJECT).write_text("project = 3"),
            "'project': expected a table",
        ),
        (lambda folder: (folder / PROJECT).write_text("a = " + "[" * 9999), "not valid TOML"),
    ],
)
def test_a_folder_that_is_no_domain_package(folder, change, message):
    change(folder)
    with pytest.raises(UsageError, match=re.escape(message)), opened(folder):
        pass


def test_an_unknown_name_names_the_nearest(site):
    site.add("selfspec-chemistry", "selfspec.domains", "chemistry", "some_pack", "")
    with pytest.raises(UsageError, match="chemisty: neither .* did you mean 'chemistry'"):
        with opened("chemisty"):
            pass


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ("aab", None),
        ("aabbc", None),  # c may even be missing
        ("aabb", None),
        ("aaab", "3 of 4 are 'a', with 3 choices"),
        ("aaabbb", "none of 6 is 'c'"),
    ],
)
def test_balance_allows_half_as_many_again_as_an_even_share(found, fault):
    assert uneven(list(found), ("a", "b", "c")) == fault
