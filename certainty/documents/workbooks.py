"""Read the rows of an Excel workbook."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any, TypeVar

from certainty.documents.office import check_members
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.tables import repeated_name

T = TypeVar("T")

_MOST_COLUMNS = 1000  # a cell in the last of 16,384 columns would make each row as long
_MOST_ROWS = 1_048_576  # of a sheet of Excel; openpyxl yields an empty row for each number that a file leaves out
_MOST_BLANK = 10_000  # one after the other


def xlsx_rows(data: bytes, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of each row of the first sheet, as Excel shows it, and the row as a dict; skip blank rows.

    The first row that is not blank names the columns; columns without a name are left out. Of formulas, the value is
    read that was saved.

    Raises:
        CertaintyError: If the workbook is damaged, too large, has no header, or has 10,000 blank rows one after
            the other.
        MissingExtraError: If openpyxl is not installed.
    """
    needs("openpyxl", extra="documents", user=f"{name}: an Excel file")
    from openpyxl import load_workbook

    check_members(data, name)
    try:
        with _no_warnings():
            book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
        yield from _rows(book.worksheets[0], name)
    except CertaintyError:
        raise
    except Exception as error:  # on damaged files, openpyxl raises exceptions of almost any type
        raise CertaintyError(
            f"{name}: cannot be read as XLSX ({type(error).__name__}: {error}); save the sheet as CSV."
        ) from error


def _rows(sheet: Any, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    sheet.reset_dimensions()  # they may claim any number of rows and columns
    header: list[str] = []
    last = 0
    rows = _without_warnings(sheet.iter_rows(max_row=_MOST_ROWS, max_col=_MOST_COLUMNS, values_only=True))
    for number, cells in enumerate(rows, 1):
        if all(cell is None for cell in cells):
            if number - last >= _MOST_BLANK:
                raise CertaintyError(
                    f"{name}, row {number}: ends {_MOST_BLANK:,} blank rows; delete the empty rows, or save the sheet "
                    "as CSV."
                )
            continue
        last = number
        if header:
            yield number, {column: cell for column, cell in zip(header, cells, strict=True) if column}
            continue
        header = ["" if cell is None else str(cell).strip() for cell in cells]
        if (repeated := repeated_name(header)) is not None:
            raise CertaintyError(f"{name}, row {number}: column {repeated!r} appears twice; rename one.")
    if not header:
        raise CertaintyError(f"{name}: has no header; give a first row with the names of the columns.")


def _without_warnings(items: Iterator[T]) -> Iterator[T]:
    """Yield items; what whoever takes them does in between may warn."""
    while True:
        with _no_warnings():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Silence openpyxl, which warns of what it does not read, such as pictures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
