"""Files of several kinds, made by hand, and the texts that are read of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from certainty.documents.reader import ReadingOptions, read_texts


def texts_of(data: bytes | Path, name: str, **options: object) -> list[tuple[str, str]]:
    return list(read_texts(data, name, ReadingOptions(**options)).named)  # type: ignore[arg-type]


def text_of(data: bytes, name: str) -> str:
    ((key, text),) = texts_of(data, name)
    assert key == name
    return text


def archive(**members: str | bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in members.items():
            out.writestr(name, content)
    return file.getvalue()


def pdf(*pages: str) -> bytes:
    """Write a PDF by hand, a line of text a page."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    for i, line in enumerate(pages):
        stream = f"BT /F1 12 Tf 50 700 Td ({line}) Tj ET" if line else ""
        objects.append(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F1 3 0 R>>>>"
            f"/Contents {5 + 2 * i} 0 R>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += f"{number} 0 obj{content}endobj\n".encode("cp1252")
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\n"
    return data + end.encode() + f"startxref\n{len(data)}\n%%EOF\n".encode()


def docx(*paragraphs: str) -> bytes:
    document = pytest.importorskip("docx").Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    document.save(file := io.BytesIO())
    return file.getvalue()


def epub(*chapters: str, **more: str) -> bytes:
    items = "".join(f'<item id="c{i}" href="texte%20{i}.xhtml"/>' for i in range(len(chapters)))
    spine = "".join(f'<itemref idref="c{i}"/>' for i in reversed(range(len(chapters))))
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/livre.opf"/></rootfiles></container>',
        "OEBPS/livre.opf": '<package xmlns="http://www.idpf.org/2007/opf">'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    members |= {
        f"OEBPS/texte {i}.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{text}</p></body></html>'
        for i, text in enumerate(chapters)
    }
    return archive(**members, **more)
