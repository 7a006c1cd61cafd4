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
