"""Files of every type, written for the tests of this folder."""

from __future__ import annotations

import json
import zipfile

SHIPPED = [
    {"id": "chem-1", "title": "Acids", "text": "An acid gives up protons.", "source": "Clark"},
    {"id": "chem-2", "title": "Bases", "text": "A base accepts protons.", "source": "Clark"},
    {"id": "chem-3", "title": "Salts", "text": "Sodium chloride dissolves.", "source": "Own"},
]


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


def write_docx(path, *paragraphs):
    write_docx_body(
        path, "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    )


def write_docx_body(path, body):
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{space}"><w:body>{body}</w:body></w:document>',
        )


def write_pdf(path, text, password=None, before="", pages=(), forms=(), codes=""):
    """Writes a page that shows a text; `pages` and `forms` (X0, X1, ...) are contents of more.

    `codes` are lines of a /ToUnicode.
    """
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()

    def stream(content, **keys):
        made = DecodedStreamObject()
        made.set_data(content.encode())
        made = made.flate_encode()
        made.update({NameObject(f"/{key}"): NameObject(f"/{name}") for key, name in keys.items()})
        return writer._add_object(made)

    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(key): NameObject(name) for key, name in font.items()})
    if codes:
        lines = f"begincmap\n1 beginbfchar\n{codes}\nendbfchar\nendcmap"
        font[NameObject("/ToUnicode")] = stream(lines)
    fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
    drawn = {
        NameObject(f"/X{n}"): stream(form, Type="XObject", Subtype="Form")
        for n, form in enumerate(forms)
    }
    resources = {NameObject("/Font"): fonts, NameObject("/XObject"): DictionaryObject(drawn)}
    resources = writer._add_object(DictionaryObject(resources))
    for form in drawn.values():  # which may draw each other
        form.get_object()[NameObject("/Resources")] = resources
    shown = f"BT /F1 12 Tf 10 100 Td {before}({text}) Tj ET"
    for content in (shown, *pages):
        page = writer.add_blank_page(200, 200)
        page[NameObject("/Resources")] = resources
        page[NameObject("/Contents")] = stream(content)
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    writer.write(path)
