import json
import lzma
import os
import tracemalloc
import zipfile
from html.parser import HTMLParser

import pytest
from knowledge_files import write_docx, write_docx_body, write_pdf

from selfspec_plugins.knowledge import formats
from selfspec_plugins.knowledge.chunks import chunks
from selfspec_plugins.knowledge.files import MEGABYTE, Unreadable, content_hash, found, read


def text_of(path, max_mb=1):
    return " ".join(" ".join(document.text.split()) for document in read(path, max_mb))


def test_every_type_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("\ufeffPlain – text", encoding="utf-8")
    (tmp_path / "b.html").write_text(
        "<title>Top</title><style>p {}</style><p>One &amp; <b>t</b>wo<script>x</script>"
    )
    write_docx(tmp_path / "c.docx", "First &amp; last", "Second")
    write_pdf(tmp_path / "d.pdf", "Page of text")
    assert text_of(tmp_path / "a.txt") == "Plain – text"
    assert text_of(tmp_path / "b.html") == "Top One & two"
    assert text_of(tmp_path / "c.docx") == "First & last Second"
    assert text_of(tmp_path / "d.pdf") == "Page of text"


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.xz"])
def test_lines_keep_title_and_source(tmp_path, name):
    rows = [{"title": "T", "text": "one", "source": "S"}, {"text": "two"}]
    data = "\n\n".join(map(json.dumps, rows)).encode()
    (tmp_path / name).write_bytes(lzma.compress(data) if name.endswith("xz") else data)
    found_rows = [(document.text, document.source) for document in read(tmp_path / name, 1)]
    assert found_rows == [("T: one", "S"), ("two", "")]


BAD = {
    "binary.txt": (b"\x00\x01\x02", "not UTF-8 text"),
    "latin.md": ("Käse".encode("latin-1"), "not UTF-8 text at byte 1"),
    "blank.txt": (b" \n", "holds no text"),
    "broken.pdf": (b"%PDF-1.4 and no more", "not a readable pdf file"),
    "broken.docx": (b"\xd0\xcf\x11\xe0 old word", "not a readable docx file (encrypted"),
    "broken.jsonl.xz": (b"no xz", "not a readable .xz file"),
    "half.jsonl": (b'{"text": "a"}\n{"text":\n', "half.jsonl:2: not valid JSON"),
    "other.jsonl": (b'{"body": "a"}\n', "other.jsonl:1: expected an object with a string 'text'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, name):
    data, message = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(Unreadable) as raised:
        list(read(tmp_path / name, 1))
    assert str(raised.value).startswith(str(tmp_path / name) + ":")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("encoding", ["no-such", "shift_jis"])
def test_a_docx_in_an_odd_encoding_is_one_line(tmp_path, encoding):
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
        archive.writestr("word/document.xml", f'<?xml version="1.0" encoding="{encoding}"?><a/>')
    with pytest.raises(Unreadable, match="a.docx: not a readable docx file"):
        list(read(tmp_path / "a.docx", 1))


def test_a_docx_with_broken_data_is_one_line(tmp_path):
    write_docx(tmp_path / "a.docx", "First " * 99)
    data = bytearray((tmp_path / "a.docx").read_bytes())
    start = data.index(b"word/document.xml") + len("word/document.xml")
    data[start : start + 8] = b"\xff" * 8
    (tmp_path / "a.docx").write_bytes(data)
    with pytest.raises(Unreadable, match="a.docx: not a readable docx file"):
        list(read(tmp_path / "a.docx", 1))


def test_a_box_within_a_paragraph_is_read_once(tmp_path):
    box = "<w:p><w:r><w:t>Inner</w:t></w:r></w:p>"
    body = f"<w:p><w:r><w:t>Outer</w:t><w:pict>{box}</w:pict></w:r></w:p>"
    write_docx_body(tmp_path / "a.docx", body)
    assert text_of(tmp_path / "a.docx").count("Inner") == 1
    write_docx_body(tmp_path / "b.docx", "<w:p>" * 50_000 + box + "</w:p>" * 50_000)
    assert text_of(tmp_path / "b.docx") == "Inner"


ENDLESS = ["<!--", "<!--x>", "<!x", "<![if]", "<?", "<a ", "<a b='", "</", "</a"]


@pytest.mark.parametrize("start", ENDLESS)
def test_a_page_whose_tags_never_end_is_read_in_one_pass(tmp_path, monkeypatch, start):
    tries = []

    def counted(own):
        def parse(self, place):
            tries.append(place)
            return own(self, place)

        return parse

    for name in ("parse_starttag", "parse_endtag", "parse_html_declaration", "parse_pi"):
        monkeypatch.setattr(HTMLParser, name, counted(getattr(HTMLParser, name)))
    page = tmp_path / "a.html"
    page.write_text("<p>Shown</p>" + start * 20_000)
    assert text_of(page) == "Shown"
    assert len(tries) <= 20_010  # html.parser alone: 33 s for 60 kB of `<a `


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<p>One<![foo]>two<![endif]-->", "Onetwo"),
        ("<p>AT&T", "AT&T"),
        ("<p>1 < 2", "1 < 2"),
        ("<p>One<script>two", "One"),
    ],
)
def test_an_odd_page_is_read_as_html_5_says(tmp_path, page, shown):
    (tmp_path / "a.html").write_text(page)
    assert text_of(tmp_path / "a.html") == shown


def test_an_html_file_that_the_parser_does_not_take_is_one_line(tmp_path):
    (tmp_path / "a.html").write_text(f"<p>&#{'1' * 5000};")
    with pytest.raises(Unreadable, match="a.html: not a readable html file: Exceeds the limit"):
        list(read(tmp_path / "a.html", 1))


def test_lines_unpack_to_no_more_than_the_limit(tmp_path):
    path, row = tmp_path / "rows.jsonl.xz", b'{"text": "argon"}\n'
    path.write_bytes(lzma.compress(row * (2 * MEGABYTE // len(row) - 1)))
    assert path.stat().st_size < 2000
    rows = read(path, 1)
    with pytest.raises(
        Unreadable, match=r"rows.jsonl.xz: unpacks to more than 1 MB.*max_mb.*split"
    ):
        next(rows)  # nothing is indexed first
    assert next(read(path, 2)).text == "argon"


def test_a_line_without_end_is_not_read_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "LINE", 40)
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "argon"}\n' + '{"text": "' + "a" * 40 + '"}\n')
    rows = read(path, 1)
    assert next(rows).text == "argon"
    with pytest.raises(Unreadable, match=r"rows.jsonl:2: a line of more than 0 MB"):
        next(rows)


def test_a_docx_unpacks_to_no_more_than_the_limit(tmp_path):
    write_docx(tmp_path / "a.docx", "First " * 300_000)
    with pytest.raises(Unreadable, match=r"a.docx: unpacks to more than 1 MB.*max_mb.*split it"):
        list(read(tmp_path / "a.docx", 1))
    assert text_of(tmp_path / "a.docx", 2).startswith("First First")


@pytest.mark.parametrize(
    ("packed", "said"),
    [(zipfile.ZIP_DEFLATED, "Bad CRC-32"), (zipfile.ZIP_BZIP2, "packed as no Word file is")],
)
def test_a_docx_that_lies_about_its_size_unpacks_to_no_more(tmp_path, packed, said):
    path, size = tmp_path / "a.docx", 64 * MEGABYTE
    with zipfile.ZipFile(path, "w", packed) as archive:
        archive.writestr("word/document.xml", b"<a/>".ljust(size))
    lie = path.read_bytes().replace(size.to_bytes(4, "little"), (4).to_bytes(4, "little"))
    path.write_bytes(lie)
    tracemalloc.start()
    with pytest.raises(Unreadable, match=f"a.docx: not a readable docx file .*: {said}"):
        list(read(path, 100))
    assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    tracemalloc.stop()


def test_a_link_is_read_by_its_own_suffix(tmp_path):
    (tmp_path / "blob").write_text("Linked text.")
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.txt").symlink_to(tmp_path / "blob")
    for path in (tmp_path / "files", tmp_path / "files/a.txt"):
        [file] = found([path], lambda path, why: pytest.fail(why))
        assert text_of(file) == "Linked text."


def test_an_encrypted_pdf_says_so(tmp_path):
    write_pdf(tmp_path / "a.pdf", "secret", password="x")
    with pytest.raises(Unreadable, match="a.pdf: is encrypted; save it without its password"):
        list(read(tmp_path / "a.pdf", 1))


def test_size_is_judged_before_reading(tmp_path):
    (tmp_path / "empty.txt").touch()
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(1 << 30)  # sparse
    with pytest.raises(Unreadable, match="is empty"):
        content_hash(tmp_path / "empty.txt", 100)
    with pytest.raises(Unreadable, match=r"has 1024 MB; at most 100 MB .*max_mb.*split it"):
        content_hash(tmp_path / "huge.txt", 100)


def test_folders_are_searched_and_what_leads_nowhere_is_told(tmp_path):
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/.git").mkdir()
    (tmp_path / "none").mkdir()
    for name in ("in/deep/a.txt", "in/b.MD", "in/.git/c.txt", "in/d.png", "e.png"):
        (tmp_path / name).write_text("x")
    os.symlink(tmp_path / "in", tmp_path / "in/deep/loop")
    told, passed = [], []
    paths = [tmp_path / name for name in ("in", "in/b.MD", "none", "missing.txt", "e.png")]
    files = found(
        paths, lambda path, why: told.append((path.name, why.split(";")[0])), passed.append
    )
    assert passed == [tmp_path / "in/d.png"]
    assert [file.name for file in files] == ["b.MD", "a.txt"]
    assert [name for name, _ in told] == ["none", "missing.txt", "e.png"]
    assert told[1:] == [("missing.txt", "no such file or folder"), ("e.png", "unknown type '.png'")]


def test_passages_are_whole_sentences():
    text = 'Dr. A. Smith paid $3.5 million. He said "No." Then 7 left.\n\nNew paragraph here.'
    assert list(chunks(text, 6)) == [
        "Dr. A. Smith paid $3.5 million.",
        'He said "No." Then 7 left.',
        "New paragraph here.",
    ]


def test_nothing_is_lost_and_no_passage_is_too_long():
    text = " ".join(f"Word{number}{'.' if number % 17 == 0 else ''}" for number in range(500))
    for size in (20, 33, 500):
        made = list(chunks(text, size))
        assert " ".join(made) == text
        assert max(len(passage.split()) for passage in made) <= size


def test_letters_without_end_are_no_passage_without_end():
    made = list(chunks(f"See {'x' * 450} below.", 20))
    assert [len(word) for word in made[0].split()] == [3, 200, 200, 50, 6]
    assert max(map(len, chunks("y" * 100_000, 20))) < 20 * 201


def test_a_docx_with_entities_is_refused_before_they_are_unpacked(tmp_path):
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    secret = tmp_path / "secret"
    secret.write_text("password")
    outside = f'<!ENTITY file SYSTEM "{secret.as_uri()}">'
    for entities, used in (('<!ENTITY e0 "lol">' + levels, "&e8;"), (outside, "&file;")):
        with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
            space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
            text = f"<w:p><w:r><w:t>{used}</w:t></w:r></w:p>"
            document = f'<w:document xmlns:w="{space}"><w:body>{text}</w:body></w:document>'
            archive.writestr("word/document.xml", f"<!DOCTYPE d [{entities}]>{document}")
        with pytest.raises(Unreadable, match="a.docx: .*declares a document type"):
            list(read(tmp_path / "a.docx", 1))


def test_a_docx_that_lies_about_its_size_is_one_line(tmp_path):
    write_docx(tmp_path / "a.docx", "First " * 300_000)
    data = (tmp_path / "a.docx").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.docx") as archive:
        size = archive.getinfo("word/document.xml").file_size.to_bytes(4, "little")
    (tmp_path / "a.docx").write_bytes(data.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(Unreadable, match="a.docx: not a readable docx file"):
        list(read(tmp_path / "a.docx", 1))
