"""The documents say what is there."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from selfspec_core.cli.main import COMMANDS
from selfspec_core.packages import load_tasks, parse_seeds
from selfspec_core.plugins import HOOKS, PluginHost

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for folder in (
        ".",
        "domains",
        "domains/*",
        "plugins",
        "plugins/selfspec_nano/*",
        "seeds",
        "tests/*",
    )
    for path in ROOT.glob(f"{folder}/*.md")
)
DOMAINS = sorted(path.parent.name for path in ROOT.glob("domains/*/pyproject.toml"))


def test_plugins_readme_lists_every_hook_and_file() -> None:
    text = (ROOT / "plugins/README.md").read_text()
    rows = re.findall(r"^\| `(selfspec_\w+)` \| `([\w/.]+)` \|", text, re.MULTILINE)
    host = PluginHost()
    host.load_defaults()
    implemented = set()
    for what, hook in HOOKS.items():
        for source, _ in host.offered(what, "finance"):
            implemented.add((hook, source.name.replace(".", "/") + ".py"))
    assert set(rows) == implemented


def test_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    missing = [name for name in COMMANDS if name not in text]
    assert not missing


def test_the_seed_in_readme_is_a_seed(tmp_path: Path) -> None:
    [line] = re.findall(r"^```json\n(.*)\n```", (ROOT / "README.md").read_text(), re.MULTILINE)
    file = tmp_path / "mine.jsonl"
    file.write_text(line)
    assert len(parse_seeds(file, "README.md")) == 1


def test_readme_counts_the_mapped_sets() -> None:
    tables = [
        table
        for file in ROOT.glob("domains/*/selfspec_*/benchmarks.toml")
        for table in tomllib.loads(file.read_text()).values()
    ]
    sets = sum(len(table.get("configs", ("",))) for table in tables)
    for document in ("README.md", "CHANGELOG.md"):
        assert re.search(rf"{sets}( |\n +)(are mapped|public sets)", (ROOT / document).read_text())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    links = re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", (ROOT / document).read_text())
    for file, heading in links:
        target = folder / file if file else ROOT / document
        assert target.exists(), file
        if heading:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
            assert heading in slugs, f"{file}#{heading}"


@pytest.mark.parametrize("target", "run test test-min licences lint bench clean".split())
def test_makefile_has_the_targets(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("domain", [*DOMAINS, "general"])
def test_seed_card_counts_are_true(domain: str) -> None:
    seeds = parse_seeds(ROOT / f"seeds/selfspec_seeds/{domain}.jsonl", domain)
    card = (ROOT / f"seeds/selfspec_seeds/{domain}.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (\d+) \|", card, re.MULTILINE)
    counted = Counter((seed.task, seed.kind) for seed in seeds)
    assert {(task, kind): int(count) for task, kind, count in rows} == counted


@pytest.mark.parametrize("domain", DOMAINS)
def test_domain_card_counts_are_true(domain: str) -> None:
    card = (ROOT / f"domains/{domain}/README.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+).* \| (\d+) \| (\d+) \| \w+ \|$", card, re.MULTILINE)
    said = {(task, kind): (int(dev), int(test)) for task, kind, dev, test in rows}
    assert said == {
        (task.name, task.kind): tuple(
            sum(item.split == split for item in task.items) for split in ("dev", "test")
        )
        for task in load_tasks(f"selfspec_{domain}")
    }


def test_top_level_is_the_agreed_one() -> None:
    allowed = set(
        "selfspec_core plugins domains seeds tests runs dist build pyproject.toml CONTRIBUTING.md "
        "README.md LICENSE CHANGELOG.md Makefile constraints.txt".split()
    )
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found <= allowed
    modules = (path.relative_to(ROOT) for path in ROOT.rglob("__init__.py"))
    importable = {path.parent.name for path in modules if not path.parts[0].startswith(".")}
    importable -= {"speed", "rivals"}  # parts of tests/benchmarks, which is no package
    outer = {name for name in importable if not name.startswith("selfspec_")}
    inner = (
        "components config types assembly stages similarity measures sweeps planning sets "
        "interchange report checks cli composing knowledge general local served on_ray training "
        "export compose"
    )
    assert outer <= set(inner.split())
