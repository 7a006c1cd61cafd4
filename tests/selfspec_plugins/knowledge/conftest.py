"""A chemistry domain with three passages of its own, and files to add to them."""

from __future__ import annotations

import json
import zipfile

import pytest

from selfspec_core.plugins import PluginHost
from selfspec_core.progress import Silent

SHIPPED = [
    {"id": "chem-1", "title": "Acids", "text": "An acid gives up protons.", "source": "Clark"},
    {"id": "chem-2", "title": "Bases", "text": "A base accepts protons.", "source": "Clark"},
    {"id": "chem-3", "title": "Salts", "text": "Sodium chloride dissolves.", "source": "Own"},
]

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


def seed(number, instruction, output):
    return {
        "id": f"s-{number}",
        "task": "terms",
        "kind": "open_qa",
        "instruction": instruction,
        "input": f"Which word is it, number {number} of the exercise?",
        "output": output,
    }


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


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
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: selfspec-chemistry\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[selfspec.domains]\nchemistry = chem_pack\n")
    monkeypatch.syspath_prepend(site)
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


def write_docx(path, *paragraphs):
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
        )


def write_pdf(path, text, password=None):
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    page = writer.add_blank_page(200, 200)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    content = DecodedStreamObject()
    content.set_data(f"BT /F1 12 Tf 10 100 Td ({text}) Tj ET".encode())
    page[NameObject("/Contents")] = writer._add_object(content)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(path)
