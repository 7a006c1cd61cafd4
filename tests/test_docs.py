"""The documents say what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from selfspec_core.cli.main import COMMANDS
from selfspec_core.packages import parse_seeds
from selfspec_core.plugins import HOOKS, PluginHost

ROOT = Path(__file__).parents[1]


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


@pytest.mark.parametrize("target", ["run", "test", "lint", "bench", "clean"])
def test_makefile_has_the_targets(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_seed_card_counts_are_true() -> None:
    seeds = parse_seeds(ROOT / "seeds/selfspec_seeds/finance.jsonl", "finance.jsonl")
    card = (ROOT / "seeds/selfspec_seeds/finance.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| \w+ \| (\d+) \|", card, re.MULTILINE))
    counts = {task: sum(s.task == task for s in seeds) for task in rows}
    assert {task: int(count) for task, count in rows.items()} == counts
    assert sum(counts.values()) == len(seeds)


def test_top_level_is_the_agreed_one() -> None:
    allowed = set(
        "selfspec_core plugins domains seeds tests runs dist build pyproject.toml CONTRIBUTING.md "
        "README.md LICENSE CHANGELOG.md Makefile constraints.txt".split()
    )
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found <= allowed
    importable = {
        path.parent.name for path in ROOT.rglob("__init__.py") if ".venv" not in str(path)
    }
    outer = {name for name in importable if not name.startswith("selfspec_")}
    assert outer <= {"stages", "cli", "report"}
