"""Workbooks of Excel: their rows, their markup, and blank rows without end."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import Any

import pytest
from documenting import archive, texts_of

from certainty import CertaintyError
from certainty.documents.reader import ReadingOptions, read_texts


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
