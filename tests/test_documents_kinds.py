"""Files of every kind that people have: their text, or a sentence that says what they are."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from documenting import archive, docx, epub, pdf, text_of, texts_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certainty import CertaintyError
from certainty.documents.kinds import kind_of

PAGE = """<!DOCTYPE html><html><head><title>Port</title><script>var x = 1;</script></head><body>
<nav><a href="/">Accueil</a> <a href="/s">Sport</a></nav><article><h1>Le pont ferme</h1>
<p>Le maire a ferm&eacute; le pont. Il rouvrirait en mai, selon le pr&eacute;fet de la région.</p>
<p>Une enquête est ouverte, et les riverains attendent.</p></article></body></html>"""


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
