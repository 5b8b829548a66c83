"""Files of every kind that people have: their text, or a sentence that says what they are."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import logging
import lzma
import sys
import textwrap
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certainty import CertaintyError, read_files
from certainty.documents.damage import mojibake, noise
from certainty.documents.finding import find_files
from certainty.documents.kinds import kind_of
from certainty.documents.language import foreign_share
from certainty.documents.reader import ReadingOptions, read_texts
from certainty.messages import naming_options
from certainty.tables import is_plainly_csv

PAGE = """<!DOCTYPE html><html><head><title>Port</title><script>var x = 1;</script></head><body>
<nav><a href="/">Accueil</a> <a href="/s">Sport</a></nav><article><h1>Le pont ferme</h1>
<p>Le maire a ferm&eacute; le pont. Il rouvrirait en mai, selon le pr&eacute;fet de la région.</p>
<p>Une enquête est ouverte, et les riverains attendent.</p></article></body></html>"""


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


# ---- Texts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["page.html", "page.txt", "stdin"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_web_page_gives_its_main_text(name: str, encoding: str) -> None:
    pytest.importorskip("trafilatura")
    if encoding == "utf-16" and name != "page.html":
        pytest.skip("nothing tells a page in UTF-16 but its ending")
    lines = text_of(PAGE.encode(encoding), name).splitlines()
    assert "Le maire a fermé le pont. Il rouvrirait en mai, selon le préfet de la région." in lines
    assert not [line for line in lines if "Sport" in line or "var x" in line]


def test_the_encoding_that_a_page_names_is_taken() -> None:
    pytest.importorskip("trafilatura")
    page = PAGE.replace("<head>", '<head><meta charset="iso-8859-15">').replace("attendent", "paient 3 €")
    assert "paient 3 €" in text_of(page.encode("iso-8859-15"), "page.html")


@pytest.mark.parametrize("name", ["article.pdf", "article", "article.txt"])
def test_a_pdf_gives_its_pages(name: str) -> None:
    pytest.importorskip("pypdf")
    assert text_of(pdf("Il serait allé à", "Orvanne."), name) == "Il serait allé à\n\fOrvanne."
    assert text_of(pdf("Le pont sur  la rivière,  dit-il"), name) == "Le pont sur la rivière, dit-il"


def test_a_pdf_of_images_is_refused() -> None:
    pytest.importorskip("pypdf")
    with pytest.raises(CertaintyError, match=r"scan\.pdf: is a PDF without text \(2 pages of images\); .*OCR"):
        texts_of(pdf("", ""), "scan.pdf")


def test_a_damaged_file_is_one_error() -> None:
    pytest.importorskip("pypdf")
    with pytest.raises(CertaintyError, match=r"^x\.pdf: cannot be read as PDF \("):
        texts_of(b"%PDF-1.4\nnothing", "x.pdf")
    with pytest.raises(CertaintyError, match=r"^x\.docx: is a damaged DOCX file"):
        texts_of(docx("Il pleut.")[:300], "x.docx")


def test_a_word_file_gives_its_paragraphs_with_changes_accepted() -> None:
    docx_ = pytest.importorskip("docx")
    from docx.oxml import parse_xml

    document = docx_.Document()
    document.add_heading("Le pont")
    document.add_table(1, 1).cell(0, 0).text = "Une case."
    paragraph = document.add_paragraph("Il ")
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    for change in ("ins><w:r><w:t>serait</w:t></w:r></w:ins", "del><w:r><w:delText>est</w:delText></w:r></w:del"):
        paragraph._p.append(parse_xml(f"<w:{change}>".replace(">", f" {space}>", 1)))
    paragraph.add_run(" parti.")
    document.save(file := io.BytesIO())
    assert text_of(file.getvalue(), "a.docx") == "Le pont\n\nUne case.\n\nIl serait parti."


def test_an_opendocument_text_gives_its_paragraphs(tmp_path: Path) -> None:
    odfdo = pytest.importorskip("odfdo")
    document = odfdo.Document("text")
    document.body.clear()
    document.body.append(odfdo.Header(1, "Le pont"))
    document.body.append(paragraph := odfdo.Paragraph("Il serait parti."))
    paragraph.insert_note(after="Il", note_id="n", citation="1", body="Une note.")
    document.save(tmp_path / "a.odt")
    assert text_of((tmp_path / "a.odt").read_bytes(), "a.odt") == "Le pont\n\nIl serait parti."


def test_a_book_gives_its_chapters_in_reading_order() -> None:
    pytest.importorskip("trafilatura")
    assert text_of(epub("Il pleut.", "Elle <i>serait</i> partie."), "a.epub") == "Elle serait partie.\n\nIl pleut."
    protection = {"META-INF/encryption.xml": '<CipherReference URI="OEBPS/texte 0.xhtml"/>'}
    with pytest.raises(CertaintyError, match="DRM"):
        texts_of(epub("Il pleut.", **protection), "a.epub")


def test_rtf_gives_its_text() -> None:
    pytest.importorskip("striprtf")
    rtf = rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Times;}\f0 L\'e9t\'e9 fut long.\par Il \u233?tait parti.\par}"
    assert text_of(rtf, "a.doc") == "Lété fut long.\n\nIl était parti."


def test_without_the_extra_the_kind_and_the_extra_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pypdf", "trafilatura", "docx", "odfdo", "striprtf"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    for data, said in (
        (pdf("Oui."), "a PDF needs pypdf"),
        (PAGE.encode(), "a web page needs trafilatura"),
        (archive(**{"word/document.xml": ""}), "a Word file needs docx"),
        (rb"{\rtf1}", "an RTF file needs striprtf"),
    ):
        with pytest.raises(CertaintyError, match=rf"^x: {said} .*pip install 'certainty-fr\[documents\]'"):
            texts_of(data, "x")


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", r"legacy Word file.*\.docx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls", "legacy Excel file.*CSV"),
        (archive(**{"xl/workbook.bin": ""}), "a.xlsb", "a binary Excel file.*CSV"),
        (archive(**{"ppt/presentation.xml": ""}), "a.pptx", "a PowerPoint file.*PDF"),
        (archive(mimetype="application/vnd.oasis.opendocument.spreadsheet"), "a.ods", "sheet.*CSV"),
        (archive(**{"a.txt": "Oui."}), "a.zip", "a zip archive.*unpack"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a.txt", "an image.*OCR"),
        (b"\xff\xd8\xff\xe0", "a.jpg", "an image.*OCR"),
        (b"\x1f\x8b\x08\0", "a.txt", "compressed.*unpack"),
        (b"\0\0\0\x18ftypmp42", "a.mp4", "a film.*transcribe"),
        (b"From: <Saved by Blink>\nContent-Type: multipart/related", "a.mht", "web archive.*HTML only"),
    ],
)
def test_what_is_not_read_is_refused_by_its_kind(data: bytes, name: str, said: str) -> None:
    with pytest.raises(CertaintyError, match=rf"^{name}: is .*{said}"):
        texts_of(data, name)


def test_an_address_is_not_fetched() -> None:
    with pytest.raises(CertaintyError, match="is a URL, which is not downloaded; save the page"):
        texts_of(Path("https://example.org/a"), "https://example.org/a")


@pytest.mark.parametrize(
    "start", ["MZ, dit-il.", "ID3 est mort.", "BM est parti.", "RIFF", "Rar!", "[1] Oui.", "{Oui}"]
)
def test_a_text_is_not_taken_for_another_kind(start: str) -> None:
    assert kind_of(start.encode(), "a.txt") == "text"


# ---- Safety ----------------------------------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(CertaintyError, match=r"a\.docx: would unpack to 400 MB, more than is allowed"):
        bomb = io.BytesIO()
        with (
            zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out,
            out.open("word/document.xml", "w") as member,
        ):
            for _ in range(400):
                member.write(bytes(1_000_000))
        pytest.importorskip("docx")
        texts_of(bomb.getvalue(), "a.docx")


def test_entities_of_strangers_are_not_followed(tmp_path: Path) -> None:
    pytest.importorskip("docx")
    pytest.importorskip("trafilatura")
    secret = tmp_path / "secret"
    secret.write_text("Le code est 1234.")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
    with pytest.raises(CertaintyError, match="declares XML entities"):
        texts_of(archive(**{"word/document.xml": f"{entity}<w>&e;</w>"}), "a.docx")
    book = epub("Il pleut sur le port.", "Elle attend.")
    with zipfile.ZipFile(io.BytesIO(book)) as given:
        members = {name: given.read(name).decode() for name in given.namelist()}
    members["OEBPS/texte 0.xhtml"] = entity + members["OEBPS/texte 0.xhtml"].replace("port.", "port. &e;")
    text = text_of(archive(**members), "a.epub")
    assert "1234" not in text and "Elle attend." in text


# ---- Tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"id,text\nx,Il pleut.\n,Il neige.\nz, \n"),
        ("a.csv", '\ufeffid;text\nx;"Il pleut."\n;Il neige.\n'.encode()),
        ("a.tsv", b"id\ttext\nx\tIl pleut.\n\tIl neige.\n"),
        ("a.csv", b"id;text\nx;Il pleut.;\n;Il neige.;\n"),
        ("a.csv", b"sep=|\nid|text\nx|Il pleut.\n|Il neige.\n"),
        ("a.jsonl", b'{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}\n{"text": null}\n'),
        ("a.json", b'[{"id": "x", "text": "Il pleut."}, {"text": "Il neige."}]'),
        ("a.json", b'{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}'),
        ("a.json", '{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}'.encode("utf-16")),
        ("a.jsonl", '{"id": "x", "text": "Il pleut."}\n{"text": "Il neige."}\n'.encode("utf-16")),
    ],
)
def test_each_row_of_a_table_is_a_text(tmp_path: Path, name: str, data: bytes) -> None:
    (path := tmp_path / name).write_bytes(data)
    texts = read_texts(path, name)
    assert texts.is_table
    assert list(texts.named) == [("x", "Il pleut."), ("", "Il neige.")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", b"text\nIl pleut.\nIl neige.\n"),
        ("a.jsonl", b'{"text": "Il pleut."}\n{"text": "Il neige."}\n'),
    ],
)
def test_rows_of_a_table_without_ids_are_numbered(name: str, data: bytes) -> None:
    assert texts_of(data, name) == [("1", "Il pleut."), ("2", "Il neige.")]


CSV = "id;text;note\na;Il pleut.;1\nb;Il neige.;2\nc;Il vente.;3\n"


@pytest.mark.parametrize("name", ["stdin", "a.csv.txt", "a.xls", "a"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_table_under_another_name_is_refused_or_read_if_a_column_is_named(
    tmp_path: Path, name: str, separator: str, encoding: str
) -> None:
    table = CSV.replace(";", separator)
    data = table.encode(encoding)
    with pytest.raises(CertaintyError, match=rf"^{name}: looks like a CSV table with the columns id, text, note; name"):
        texts_of(data, name)
    assert texts_of(data, name, force=True) == [(name, table)]
    rows = [("a", "Il pleut."), ("b", "Il neige."), ("c", "Il vente.")]
    (path := tmp_path / name).write_bytes(data)
    assert texts_of(data, name, as_table=True) == texts_of(path, name, as_table=True) == rows
    with pytest.raises(CertaintyError, match=f"^{name}: no column 'texte'. Found: id, text, note; name it"):
        texts_of(data, name, as_table=True, text_column="texte")


@pytest.mark.parametrize(
    "table",
    [
        'clé;"Le texte"\n1;"Il pleut ; il neige.\nIl vente."\n2;Non.\n3;Oui.\n',
        "sep=,\nid,text\n1,Il pleut.\n2,Non.\n3,Oui.\n",
        "id;text;\n1;Il pleut.;\n2;Non.;\n3;Oui.;\n",
        "id;text\n1;Il pleut.;\n2;Non.;\n3;Oui.;\n",
        "id,text\n" + "1,Il pleut.\n" * 20 + "2,Il pleut, enfin.\n",
    ],
)
def test_tables_of_all_styles_are_known(table: str) -> None:
    with pytest.raises(CertaintyError, match="looks like a CSV table"):
        texts_of(table.encode(), "a.txt")


PROSE = {
    "lines with a comma each": "Ô vent, tais-toi\nÔ pluie, va-t’en\nÔ neige, reviens\nÔ lune, réponds\n",
    "lines with semicolons": "Il part ; elle rit\nIl rit ; elle part\nIl dort ; elle veille\nIl ment ; elle sait\n",
    "numbers": "3,5\n4,5\n5,25\n6,75\n7,5\n",
    "a transcript": "ANNE\tBonjour\nPAUL\tAh, bonjour !\nANNE\tIl pleut\nPAUL\tEncore\n",
    "an indented text": "\tIl part.\n\tIl revient.\n\tIl dort.\n\tIl ment.\n",
    "paragraphs": "Le maire, dit-on, partirait.\n\nLe préfet dément.\n\nOui, non ; peut-être.\n\nQui, quoi, où ?\n",
    "a quotation": '"Il part, dit-elle.\nEt puis, rien.\nEt puis, tout.\nEt puis, quoi ?\n',
    "addresses": "Rue du Lac, 3\nRue du Pont, 4\nRue du Port, 5\nRue du Bac, 6\n",
    "a list": "- pain, beurre\n- lait, œufs\n- sel, poivre\n- riz, blé\n",
}


@pytest.mark.parametrize("kind", PROSE)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_prose_is_not_taken_for_a_table(kind: str, ending: str) -> None:
    text = PROSE[kind].replace("\n", ending)
    assert texts_of(text.encode(), "a.txt") == [("a.txt", text)]


@given(
    st.lists(
        st.lists(st.sampled_from(["il", "part", "Lyon", "«", "12", "où"]), min_size=1, max_size=4).map(" ".join),
        min_size=8,
        max_size=24,
    ),
    st.sampled_from([", ", " ; ", ",\u00a0", "\u202f; "]),
    st.integers(2, 4),
)
def test_prose_with_the_same_punctuation_in_each_line_is_no_table(parts: list[str], mark: str, n: int) -> None:
    text = "\n".join(mark.join(parts[i : i + n]) for i in range(0, len(parts), n))
    assert not is_plainly_csv(text)


def test_among_several_files_only_those_with_the_column_are_tables() -> None:
    options = ReadingOptions(text_column="text", as_table=True)
    prose = "Il pleut, dit-il, encore.\nIl neige.\n"
    assert not read_texts(prose.encode(), "a.txt", options, several=True).is_table
    assert next(read_texts(CSV.encode(), "b.txt", options, several=True).named) == ("b.txt#a", "Il pleut.")


def test_json_is_known_by_its_content() -> None:
    assert texts_of(b'{"id": 7, "text": "Il pleut."}', "stdin") == [("7", "Il pleut.")]


def test_columns_are_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("clé;énoncé\nk1;L’été fut sec.\n".encode("cp1252"))
    assert texts_of(path, "a.csv", text_column="énoncé", id_column="clé") == [("k1", "L’été fut sec.")]
    with pytest.raises(
        CertaintyError, match=r"a\.csv: no column 'text'\. Found: clé, énoncé; name it with text_column\.$"
    ):
        texts_of(path, "a.csv")
    with pytest.raises(CertaintyError, match=r"no column 'cle'.*id_column\. Did you mean 'clé'\?"):
        texts_of(path, "a.csv", text_column="énoncé", id_column="cle")
    with pytest.raises(CertaintyError, match=r"no column 'ENONCE'.*Did you mean 'énoncé'\?"):
        texts_of(path, "a.csv", text_column="ENONCE")


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = pytest.importorskip("openpyxl", reason="openpyxl is not installed: pip install '.[documents]'").Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet().append(("another", "sheet"))
    book.save(file := io.BytesIO())
    return file.getvalue()


def test_rows_of_a_workbook_are_texts() -> None:
    rows = ((), ("id", None, "text", "le"), (7, "x", "Il pleut.", None), (8.5, "y", None, 3), ("a", "z", "Oui.", True))
    assert texts_of(workbook(*rows), "a.xlsx") == [("7", "Il pleut."), ("a", "Oui.")]
    assert texts_of(workbook(*rows), "unnamed", id_column="le")[1] == ("True", "Oui.")
    for wrong, said in (
        (workbook(), "^a.xlsx: has no header"),
        (workbook(("text", "text")), "^a.xlsx, row 1: column 'text' appears twice"),
        (workbook(("id", "body"), (1, "Il pleut.")), "^a.xlsx: no column 'text'. Found: id, body"),
        (workbook(("text",), (3,)), r"^a.xlsx, row 2: text is 3, not a text"),
        (archive(**{"xl/workbook.xml": ""}), r"^a.xlsx: cannot be read as XLSX \(.*save the sheet as CSV"),
        (archive(**{"xl/workbook.xml": "<!DOCTYPE a>"}), "^a.xlsx: declares XML entities"),
    ):
        with pytest.raises(CertaintyError, match=said):
            texts_of(wrong, "a.xlsx")


def sheet_with(xml: str | bytes, member: str = "xl/worksheets/sheet1.xml") -> bytes:
    """Return a workbook whose sheet is written by hand and may have a member of any name."""
    with zipfile.ZipFile(io.BytesIO(workbook(("text",)))) as given:
        members = {name: given.read(name).decode() for name in given.namelist()}
    del members["xl/worksheets/sheet1.xml"]
    named = {name: content.replace("xl/worksheets/sheet1.xml", member) for name, content in members.items()}
    return archive(**named, **{member: xml})


def sheet(*rows: tuple[int, str]) -> str:
    cells = "".join(f'<row r="{row}"><c t="inlineStr"><is><t>{text}</t></is></c></row>' for row, text in rows)
    start = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return f"{start}<sheetData>{cells}</sheetData></worksheet>"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.dat", "xl/worksheets/sheet1.XML"])
def test_markup_is_limited_whatever_its_name(name: str, encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sheet((1, "text"), (2, "Oui."))
    assert texts_of(sheet_with(rows, name), "a.xlsx") == [("1", "Oui.")]
    declared = ('\n<!DOCTYPE a [<!ENTITY b "c">]>' + rows).encode(encoding)
    with pytest.raises(CertaintyError, match=r"^a.xlsx: declares XML entities"):
        texts_of(sheet_with(declared, name), "a.xlsx")
    monkeypatch.setattr("certainty.documents.archives._LARGEST_MARKUP", 100_000)
    with pytest.raises(CertaintyError, match=rf"^a.xlsx: its member {name} would unpack to"):
        texts_of(sheet_with((" " * 100_000 + rows).encode(encoding), name), "a.xlsx")


def test_a_picture_with_a_document_type_is_no_declaration() -> None:
    file = io.BytesIO(docx("Il pleut."))
    with zipfile.ZipFile(file, "a") as out:
        out.writestr("word/media/a.svg", '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://a/svg11.dtd"><svg/>')
    assert text_of(file.getvalue(), "a.docx") == "Il pleut."
    with zipfile.ZipFile(file, "a") as out:
        out.writestr("word/media/b.svg", '<!DOCTYPE svg [<!ENTITY a "b">]><svg/>')
    with pytest.raises(CertaintyError, match="declares XML entities"):
        text_of(file.getvalue(), "a.docx")


def test_warnings_are_silenced_only_while_a_workbook_is_read() -> None:
    extension = '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    data = sheet_with(sheet((1, "text"), (2, "Oui."), (3, "Non.")).replace("</worksheet>", extension))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        rows = read_texts(data, "a.xlsx", ReadingOptions()).named
        assert next(rows) == ("1", "Oui.") and warnings.filters == before
        assert list(rows) == [("2", "Non.")] and warnings.filters == before


@pytest.mark.parametrize("last", [10_002, 1_048_576, 1_000_000_000_000])
def test_blank_rows_without_end_are_an_error(last: int) -> None:
    assert texts_of(sheet_with(sheet((1, "text"), (10_001, "Oui."))), "a.xlsx") == [("1", "Oui.")]
    with pytest.raises(CertaintyError, match=r"^a.xlsx, row 10001: ends 10,000 blank rows; delete the empty rows"):
        texts_of(sheet_with(sheet((1, "text"), (last, "Oui."))), "a.xlsx")


def zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        zstd = pytest.importorskip("backports.zstd", reason="backports.zstd is not installed: pip install '.[archive]'")
    return bytes(zstd.compress(data))


@pytest.mark.parametrize(
    ("ending", "compress"), [("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress), ("zst", zstd)]
)
def test_compressed_files_are_read_like_their_content(
    ending: str, compress: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    contents = {
        "a.txt": "L’été.".encode(),
        "b.csv": b"id,text\n1,Oui.\n",
        "c.jsonl": b'{"id": "a", "text": "Il pleut."}',
    }
    for name, content in contents.items():
        Path(f"{name}.{ending}").write_bytes(compress(content))
    found = list(read_files(".", recursive=True))
    assert found == [
        ("L’été.", f"./a.txt.{ending}"),
        ("Oui.", f"./b.csv.{ending}#1"),
        ("Il pleut.", f"./c.jsonl.{ending}#a"),
    ]
    Path(f"d.txt.{ending}").write_bytes(compress(b"Il pleut." * 99)[:-9])
    with pytest.raises(CertaintyError, match=rf"^d\.txt\.{ending}: the compressed file is damaged"):
        list(read_files(f"d.txt.{ending}"))
    monkeypatch.setattr("certainty.documents.compression.LARGEST", 1000)
    Path(f"e.txt.{ending}").write_bytes(compress(bytes(10_000)))
    with pytest.raises(CertaintyError, match=rf"^e\.txt\.{ending}: unpacks to over"):
        list(read_files(f"e.txt.{ending}"))


def test_a_compressed_parquet_file_is_read(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"id": [3], "text": ["Il pleut."]}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(data))
    assert texts_of(tmp_path / "a.parquet.gz", "a.parquet.gz") == [("3", "Il pleut.")]
    assert texts_of(data, "stdin") == [("3", "Il pleut.")]


def test_parquet_rows_are_texts(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    write_table(pyarrow.table({"id": [3, 4], "text": ["Il pleut.", None]}), tmp_path / "a.parquet")
    assert texts_of(tmp_path / "a.parquet", "a.parquet") == [("3", "Il pleut.")]


def test_an_empty_id_stays_empty_and_integers_stay_integers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    texts = ["Il pleut.", "Il neige.", "Il vente."]
    columns = {"id": [2.0, None, 3.0], "note": [0.5, 1.0, 1e300], "text": texts}
    write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    assert [key for key, _ in texts_of(tmp_path / "a.parquet", "a.parquet")] == ["2", "", "3"]
    assert "a.parquet: 1 row has no id (row no. 2); it is empty in the output." in caplog.text
    assert "id of an earlier row" not in caplog.text
    given = texts_of(tmp_path / "a.parquet", "a.parquet", id_column="note")
    assert [key for key, _ in given] == ["0.5", "1", "1e+300"]


def test_rows_without_a_text_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    assert texts_of(b"id,text\na,Il pleut.\nb,\nc,  \n", "a.csv") == [("a", "Il pleut.")]
    told = "a.csv: 2 rows have no text and are left out (first: row no. 2); name another column with"
    assert caplog.messages == [f"{told} text_column."]
    caplog.clear()
    with naming_options():
        texts_of(b"id,text\na,Il pleut.\nb,\nc,  \n", "a.csv")
        with pytest.raises(CertaintyError, match=r"^--text-column is 5; give the name of a column"):
            ReadingOptions(text_column=5)  # type: ignore[arg-type]
        with pytest.raises(CertaintyError, match=r"^--id-column is 5; give a string, or leave it out"):
            ReadingOptions(id_column=5)  # type: ignore[arg-type]
    assert caplog.messages == [f"{told} --text-column."]


def test_a_separator_too_many_must_be_in_every_row() -> None:
    with pytest.raises(CertaintyError, match=r"a\.csv, line 3: does not end in ';', but the rows above do"):
        texts_of(b"id;text\n1;Il pleut.;\n2;Il neige.\n", "a.csv")
    with pytest.raises(CertaintyError, match=r"a\.csv, line 3: 3 fields, but the header has 2"):
        texts_of(b"id;text\n1;Il pleut.\n2;Il neige.;\n", "a.csv")
    with pytest.raises(CertaintyError, match=r"a\.csv, line 3: does not end in ';'"):
        texts_of(b"id;text\n1;Il pleut.;\n2;Il neige;Non.\n", "a.csv")


@pytest.mark.parametrize(
    ("header", "taken"), [("id|text", "has no comma"), ("id|text|a,b", "is read as separated by ','")]
)
def test_pipes_are_told(header: str, taken: str) -> None:
    data = f"{header}\n1|Il pleut.\n".encode()
    with pytest.raises(
        CertaintyError, match=rf"a\.csv, line 1: no column 'text': the header {taken}.*; if '\|' .*`sep=\|`"
    ):
        texts_of(data, "a.csv")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"id,text\n", "has no row with a text in 'text'"),
        ("a.jsonl", b'{"text": 3}', "line 1: text is 3, not a text"),
        ("a.jsonl", b'{"text": "Oui.", "id": {"a": 1}}', r"line 1: id is .*, not a text or a number"),
        ("a.json", b"[1, 2]", "is JSON, but not a list of objects"),
        ("a.json", b'{"text": "Oui."}\nNon', "line 2: not a JSON object"),
    ],
)
def test_a_wrong_table_is_told(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (path := tmp_path / name).write_bytes(data)
    with pytest.raises(CertaintyError, match=said):
        texts_of(path, name)


def test_rows_with_the_same_id_are_told(caplog: pytest.LogCaptureFixture) -> None:
    table = b'{"text": "Oui.", "id": 2}\n{"text": "Il part."}\n{"text": "Il pleut.", "id": 2}\n'
    assert [key for key, _ in texts_of(table, "a.jsonl")] == ["2", "", "2"]
    assert "a.jsonl: 1 row has the id of an earlier row (row 2); give each row an id of its own." in caplog.text


# ---- Doubtful texts --------------------------------------------------------------------------------------------------


def test_markup_is_no_text_unless_forced() -> None:
    feed = "<rss><chan a='b'><it>Oui</it><it>Non</it></chan></rss>"
    assert noise(feed) > 0.5 and noise("Le maire <b>dément</b>.<br>Il <i>part</i>.") == 0
    assert noise(f"À lire : https://exemple.fr/{'a' * 300}") == 0
    with pytest.raises(CertaintyError, match=r"of it is markup, encoded or undecodable data; .*force=True"):
        texts_of(feed.encode(), "a.txt")
    assert texts_of(feed.encode(), "a.txt", force=True) == [("a.txt", feed)]


ENCODED = base64.b64encode("Le maire dément, puis il part. ".encode() * 40).decode()
MACHINE_TEXTS = {
    "base64": ("encoded", "\n".join(textwrap.wrap(ENCODED, 76))),
    "base64, narrow, with a caption": ("encoded", "Pièce jointe :\r\n" + "\r\n".join(textwrap.wrap(ENCODED, 40))),
    "hexadecimal": ("encoded", "\n".join(textwrap.wrap(ENCODED.encode().hex(), 64))),
    "application log": ("a log file", "2026-11-29 14:36:25,123 INFO serveur: prêt\n  détail\n" * 5),
    "bracketed log": ("a log file", "[2026-11-29T14:36:25Z] [worker-1] ERROR Le disque est plein\n" * 3),
    "system log": ("a log file", "Nov 29 14:36:25 hote sshd[12]: Connexion fermée par 10.0.0.1\n" * 3),
    "access log": ("a log file", '10.0.0.1 - - [29/Nov/2026:14:36:25 +0100] "GET /a HTTP/1.1" 200 12\n' * 3),
    "mail": (
        "the source of a mail",
        "Return-Path: <a@exemple.fr>\r\nReceived: from a\r\n\tby b\r\nSubject: =?utf-8?q?=C3=A9?=\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n\r\nLe maire d=C3=A9ment.\r\n",
    ),
    "mailbox": (
        "a mailbox",
        "From a@b Sat Nov 28 10:00:00 2026\nMessage-ID: <1@b>\nX-Spam: non\n\nIl part.\n",
    ),
    "SubRip": ("a file of subtitles", "1\n00:00:01,000 --> 00:00:02,500\nLe maire dément.\n"),
    "WebVTT": ("a file of subtitles", "WEBVTT\n\n00:01.000 --> 00:02.500\nLe maire dément.\n"),
    "LaTeX": ("LaTeX", "% !TeX\n\\documentclass{article}\n\\begin{document}\nLe maire dément.\n"),
}
PEOPLES_TEXTS = {
    "copied mail": "From: Anne\nTo: Paul\nDate: 29/11/2026\nSubject: Le barrage\n\nIl serait fermé.\n",
    "mail in French": "De : Anne\nÀ : Paul\nObjet : Le barrage\n\nIl serait fermé.\n",
    "chat": "[29/11/2026, 14:36:25] Anne: Le pont est fermé\n[29/11/2026, 14:36:29] Paul: Ah ?\n" * 5,
    "live blog": "14:36 INFO RADIO. Le maire part\n14:40 Le préfet dément\n14:52 ERREUR : ce n'est pas le pont de Lys\n"
    * 5,
    "chronology": "2026-11-29 14:36:25 Le train part\n2026-11-29 14:40:00 Il s'arrête\n2026-11-29 15:00:00 Il repart\n",
    "numbers": "Le tableau ci-dessous dit tout.\n" + "2021 12,5 33 % 1 204\n" * 40,
    "capitals": "LE MAIRE DÉMENT\n================================================\nANTICONSTITUTIONNELLEMENT\n" * 5,
    "addresses": "Voir https://exemple.fr/2026/11/29/Le-Barrage-De-Vernaison-Ferme-Ses-Portes\n" * 5,
    "log within an article": "Le pirate a laissé une trace.\n" * 9 + "2026-11-29 14:36:25 INFO: bonjour\n" * 4,
}


@pytest.mark.parametrize("kind", MACHINE_TEXTS)
def test_what_programs_write_is_no_text_unless_forced(kind: str) -> None:
    what, text = MACHINE_TEXTS[kind]
    with pytest.raises(CertaintyError, match=rf"^a.txt: .*{what}.*force=True"):
        texts_of(text.encode(), "a.txt")
    assert texts_of(text.encode(), "a.txt", force=True) == [("a.txt", text)]


@pytest.mark.parametrize(
    ("ending", "mend"),
    [("srt", "without numbers and times"), ("vtt", "without"), ("mbox", "each mail"), ("TEX", "pandoc -t plain")],
)
def test_the_ending_alone_tells_a_source(ending: str, mend: str) -> None:
    text = "Le maire dément.\n"
    with pytest.raises(CertaintyError, match=rf"^a\.{ending}: .*{mend}.*force=True"):
        texts_of(text.encode(), f"a.{ending}")
    assert texts_of(text.encode(), f"a.{ending}", force=True) == [(f"a.{ending}", text)]


@pytest.mark.parametrize("data", [b'[{"text": "Il pleut."},\n{"text": "Il ne', b'{\n  "text": "Il pl'])
def test_json_that_was_cut_off_is_not_taken_for_json_lines(data: bytes) -> None:
    with pytest.raises(CertaintyError, match=r"^a\.json: is not valid JSON \(.*line 2.*get it again"):
        texts_of(data, "a.json")


@pytest.mark.parametrize("kind", PEOPLES_TEXTS)
def test_what_people_write_is_read(kind: str) -> None:
    assert texts_of(PEOPLES_TEXTS[kind].encode(), "a.txt") == [("a.txt", PEOPLES_TEXTS[kind])]


def test_noisy_rows_are_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text\nIl pleut.\n{'x' * 300}\n", encoding="utf-8")
    assert texts_of(path, "a.csv") == [("1", "Il pleut.")]
    assert "a.csv: 1 row is mostly markup or undecodable and left out (row 2); force=True" in caplog.text
    path.write_text(f"id,text\na,Il pleut.\nb,{'x' * 300}\nc,{'y' * 300}\n", encoding="utf-8")
    assert texts_of(path, "a.csv") == [("a", "Il pleut.")]
    assert "a.csv: 2 rows are mostly markup or undecodable and left out (first: row b); force=True" in caplog.text


def test_accents_decoded_wrongly_are_told_and_mended(caplog: pytest.LogCaptureFixture) -> None:
    text = "Le ministère dément l’étude « à charge »."
    damaged = text.encode().decode("cp1252")
    assert texts_of(damaged.encode(), "a.txt") == [("a.txt", damaged)]
    assert "a.txt: 7 accents look as if UTF-8 had been read as Windows-1252" in caplog.text
    assert mojibake(text) == 0 and mojibake("L’été, l’élève, l’à-côté: « Ã© » est du mojibake, où ça ?") == 0
    pytest.importorskip("ftfy")
    assert texts_of(damaged.encode(), "a.txt", fix_encoding=True) == [("a.txt", text)]


def test_another_language_is_told_with_its_share(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("py3langid")
    french = "Le maire a fermé le pont, et la préfecture a ouvert une enquête sur les travaux."
    english = "The mayor closed the bridge, and the police opened an inquiry into the building works."
    assert foreign_share("Oui.") is None
    assert foreign_share(french) == (0, "fr")
    assert foreign_share(english) == (1, "en")
    with caplog.at_level(logging.WARNING):
        texts_of(french.encode(), "a.txt")
        assert not caplog.messages
        texts_of(english.encode(), "a.txt")
    assert caplog.messages == ["a.txt: about 100 % is not French (en); the model knows only French."]


# ---- Folders and patterns --------------------------------------------------------------------------------------------


def test_folders_and_patterns_stand_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a/x.HTML", "a/b/y.pdf", "a/.z.txt", ".h/w.txt", "a/~$x.docx", "a/image.png", "out.csv"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert find_files(["a"], recursive=True) == ["a/b/y.pdf", "a/x.HTML"]
    told = "a: 1 file is not read, as the ending stands for no kind of text: image.png."
    assert caplog.messages == [told]
    assert find_files([".", "b.txt"], True, [Path("out.csv")]) == ["./a/b/y.pdf", "./a/x.HTML", "./b.txt", "b.txt"]
    assert find_files(["*.txt", "none.txt", "-"]) == ["b.txt", "none.txt", "-"]
    assert find_files(["**/*.pdf"]) == ["a/b/y.pdf"]
    for names, said in ((["*.odt"], "matches no file"), ([".h"], "contains no file")):
        (Path(".h") / "w.txt").unlink(missing_ok=True)
        with pytest.raises(CertaintyError, match=said):
            find_files(names, recursive=True)


BEGINNINGS = [b"", b"%PDF-1.4\n", b"{\\rtf1 ", b"PK\x03\x04", b"PAR1", b"<html>", b'{"text": ', b"\xff\xfe", b"GIF8"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=60), st.sampled_from(["a", "a.html", "a.json", "a.docx"]))
def test_any_bytes_give_texts_or_one_error(start: bytes, rest: bytes, name: str) -> None:
    try:
        texts = texts_of(start + rest, name)
    except CertaintyError as error:
        assert str(error).startswith(name)
    else:
        assert texts and all(text.strip() for _, text in texts)


def test_files_are_read_in_python_as_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("id;message\nk1;Il pleut.\nk2;\nk3;Il neige.\n", encoding="utf-8")
    Path("b.txt").write_bytes("Il a plu cet été.".encode("cp1252"))
    rows = [("Il pleut.", "k1"), ("Il neige.", "k3")]
    text = ("Il a plu cet été.", "b.txt")
    assert list(read_files("b.txt")) == list(read_files(Path("b.txt"))) == [text]
    assert list(read_files("a.csv", text_column="message")) == rows
    several = [(text, f"a.csv#{key}") for text, key in rows] + [text]
    assert list(read_files(["a.csv", "*.txt"], text_column="message")) == several
    assert [text for text, _ in read_files(".", recursive=True, text_column="message")] == [t for t, _ in several]
    with pytest.raises(CertaintyError, match=r"none\*: matches no file"):
        read_files("none*")
    with pytest.raises(CertaintyError, match=r"c\.txt: no such file"):
        list(read_files(["b.txt", "c.txt"]))


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        (None, {}, "None is not the name of a file"),
        (b"a.txt", {}, "b'a.txt' is not the name of a file"),
        (["a.txt", 5], {}, "5 is not the name of a file"),
        ("a.csv", {"text_column": 5}, "text_column is 5; give the name of a column"),
        ("a.csv", {"id_column": 5}, "id_column is 5; give a string, or None"),
    ],
)
def test_arguments_of_a_wrong_type_are_told(files: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(CertaintyError, match=said):
        read_files(files, **options)
