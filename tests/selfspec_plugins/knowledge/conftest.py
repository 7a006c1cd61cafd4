"""A chemistry domain with three passages of its own, and files to add to them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Silent

sys.path.append(str(Path(__file__).parent))  # for `knowledge_files`

from knowledge_files import SHIPPED, lines, seed  # noqa: E402

INIT = """
from selfspec_core import Domain, PackagedSeeds, hookimpl

class Chemistry(Domain):
    name, title, summary = "chemistry", "Chemistry", "reactions"

class Seeds(PackagedSeeds):
    name, summary = "chemistry", "two seeds"
    package, file = "chem_pack", "seeds.jsonl"

@hookimpl
def selfspec_domains():
    return [Chemistry]

@hookimpl
def selfspec_seed_sources(domain):
    return [Seeds] if domain == "chemistry" else []
"""


@pytest.fixture
def chemistry(tmp_path, monkeypatch):
    """Installs the domain; its index lies in a folder of its own."""
    site = tmp_path / "site"
    package = site / "chem_pack"
    (package / "knowledge").mkdir(parents=True)
    (package / "__init__.py").write_text(INIT)
    (package / "seeds.jsonl").write_text(
        lines([seed(1, "Name what gives up protons.", "acid"), seed(2, "Name a salt.", "halite")])
    )
    (package / "knowledge/passages.jsonl").write_text(lines(SHIPPED))
    info = site / "selfspec_chemistry-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: selfspec-chemistry\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text("[selfspec.domains]\nchemistry = chem_pack\n")
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "chem_pack", raising=False)  # an earlier test's
    monkeypatch.setenv("SELFSPEC_DATA", str(tmp_path / "data"))
    return package


@pytest.fixture
def retriever(chemistry):
    """Returns `retriever(**settings)`: a new one each time, as a new process would have."""

    def make(**settings):
        host = PluginHost(third_party=False)
        host.load_defaults()
        return host.build("retrievers", "knowledge", settings, "chemistry")

    return make


@pytest.fixture
def files(tmp_path):
    """A folder with two files."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "noble.txt").write_text("Argon and neon are noble gases. They hardly react.\n")
    (folder / "metals.md").write_text("# Metals\n\nCopper conducts heat. Policy 7 covers zinc.\n")
    return folder


@pytest.fixture
def add(retriever):
    """Returns `add(*paths)`: {file name: state} and the problems."""

    def call(*paths, **settings):
        rows = retriever(**settings).add(list(paths), Silent())
        names = {row.path.rpartition("/")[2]: row.state for row in rows}
        return names, [row.problem for row in rows if row.problem]

    return call
