"""What a pdf file unpacks to is bounded, however few bytes draw it."""

import pytest
from knowledge_files import write_pdf

from selfspec_plugins.knowledge.files import Unreadable, read
from selfspec_plugins.knowledge.formats import Damaged, unpacked
from selfspec_plugins.knowledge.pdf import pages

WORDS = "BT /F1 12 Tf 10 100 Td (" + "words " * 1000 + ") Tj ET "


pytestmark = pytest.mark.timeout(120, method="thread")  # forms in forms, unbounded, take for ever
TOO_MUCH = str(unpacked(1 << 20)).removeprefix(": ")


def texts(path, max_mb=1):
    return [document.text for document in read(path, max_mb)]


def problem(path):
    """Returns what is said of a file that is small as it lies there."""
    assert path.stat().st_size < 20_000
    with pytest.raises(Unreadable) as refused:
        texts(path)
    return str(refused.value).removeprefix(f"{path}: ")


def draw(form, times):
    return f"ET {f'/X{form} Do ' * times}BT "


def test_an_ordinary_pdf_is_what_pypdf_makes_of_it(tmp_path):
    from pypdf import PdfReader

    forms = [
        "BT /F1 9 Tf 10 50 Td (Seal) Tj ET /X1 Do",
        "BT /F1 9 Tf 10 30 Td (of) Tj T* (wax) ' ET",
    ]
    second = "BT /F1 12 Tf 10 100 Td [(Sec) -20 (ond) -900 (page)] TJ ET q /X0 Do Q /X1 Do"
    write_pdf(tmp_path / "a.pdf", "Page of text", pages=[second, "0 0 m 9 9 l S"], forms=forms)
    plain = [page.extract_text() for page in PdfReader(tmp_path / "a.pdf").pages]
    assert texts(tmp_path / "a.pdf") == plain[:2]
    assert [text.split() for text in plain] == [
        ["Page", "of", "text"],
        ["Second", "page", "Seal", "ofwax", "ofwax"],
        [],
    ]


def test_content_counts(tmp_path):
    write_pdf(tmp_path / "a.pdf", "end", before="(Page of text) Tj " * 60_000)
    assert problem(tmp_path / "a.pdf") == TOO_MUCH
    assert texts(tmp_path / "a.pdf", 2)[0].startswith("Page of text")


def test_content_of_all_pages_counts_together(tmp_path):
    half = "% nothing is shown\n" * 32_000
    write_pdf(tmp_path / "a.pdf", "Page of text", pages=[half, half])
    assert problem(tmp_path / "a.pdf") == TOO_MUCH
    assert texts(tmp_path / "a.pdf", 2) == ["Page of text"]


def test_a_form_counts_at_every_drawing(tmp_path):
    half = "% nothing is shown\n" * 32_000
    write_pdf(tmp_path / "a.pdf", "Page of text", forms=[half], before=draw(0, 2))
    assert problem(tmp_path / "a.pdf") == TOO_MUCH
    assert texts(tmp_path / "a.pdf", 2)[0].strip() == "Page of text"
    write_pdf(tmp_path / "b.pdf", "Page of text", forms=[half], before=draw(0, 1))
    assert texts(tmp_path / "b.pdf")[0].strip() == "Page of text"


def test_the_text_of_a_form_drawn_many_times_counts(tmp_path):
    write_pdf(tmp_path / "a.pdf", "end", forms=[WORDS], before=draw(0, 1000))
    assert problem(tmp_path / "a.pdf") == TOO_MUCH


def test_forms_in_forms_end_early(tmp_path):
    inner = [f"/X{n + 1} Do " * 10 for n in range(8)]  # 10 ** 8 drawings of the last
    write_pdf(tmp_path / "a.pdf", "end", forms=[*inner, WORDS], before=draw(0, 1))
    assert problem(tmp_path / "a.pdf") == TOO_MUCH


def test_drawings_count_that_show_next_to_nothing(tmp_path):
    inner = [f"/X{n + 1} Do " * 10 for n in range(8)]
    write_pdf(tmp_path / "a.pdf", "end", forms=[*inner, "BT (a) Tj ET"], before=draw(0, 1))
    with pytest.raises(Damaged, match="unpacks to more"):
        list(pages(tmp_path / "a.pdf", 1 << 16))


def test_a_drawing_costs_more_than_its_bytes(tmp_path):
    write_pdf(tmp_path / "a.pdf", "end", forms=["BT (a) Tj ET"], before=draw(0, 1000))
    with pytest.raises(Damaged, match="unpacks to more"):
        list(pages(tmp_path / "a.pdf", 40_000))  # twice its bytes and its text
    assert list(pages(tmp_path / "a.pdf", 200_000))


def test_text_that_is_long_before_it_is_told_counts(tmp_path):
    """pypdf tells of a text object at its end; a code may stand for 256 characters."""
    wide = "<61> <" + "0061" * 200 + ">"
    shown = "(" + "a" * 400 + ") Tj "
    write_pdf(tmp_path / "a.pdf", "end", before=shown * 20, codes=wide)
    assert problem(tmp_path / "a.pdf") == TOO_MUCH
    assert texts(tmp_path / "a.pdf", 2)[0].count("a") == 400 * 20 * 200


def test_no_form_is_left_out(tmp_path):
    forms = ["BT /F1 9 Tf (a) Tj ET"]
    write_pdf(tmp_path / "a.pdf", "end", forms=forms, before=draw(0, 5100))
    assert texts(tmp_path / "a.pdf")[0].count("a") == 5100
