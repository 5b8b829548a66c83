"""Write CSV for programs, or for the spreadsheets of a French computer."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

EXCEL_HELP = "write CSV for French spreadsheets: semicolons, decimal commas, no cell that is taken for a formula"
"""Help of the option `--excel`."""

_BOM = "\ufeff"  # lets spreadsheets recognise UTF-8
_DECIMALS = 6
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvWriter:
    """Write rows of strings, numbers and None, which is an empty cell.

    By default, cells are separated by commas, and every string is quoted, so that line breaks of any kind within a
    string survive.

    Args:
        out: The output.
        excel: Write CSV for a French spreadsheet: a byte order mark, semicolons, decimal commas that are not quoted,
            and an apostrophe before text that would be a formula (https://owasp.org/www-community/attacks/CSV_Injection).
        marked: Whether to write a byte order mark even without `excel`.
    """

    def __init__(self, out: TextIO, excel: bool = False, marked: bool = False) -> None:
        self._excel = excel
        if excel or marked:
            out.write(_BOM)
        if excel:
            self._rows = csv.writer(out, delimiter=";", lineterminator="\n")
        else:
            self._rows = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")

    def write(self, row: Iterable[Any]) -> None:
        """Write a row.

        U+0000, which neither the csv module of Python 3.10 nor a spreadsheet takes, is written as U+FFFD.
        """
        cells = (cell.replace("\0", "\ufffd") if isinstance(cell, str) else cell for cell in row)
        self._rows.writerow(map(_french_cell, cells) if self._excel else cells)


def without_guard(cell: str) -> str:
    """Return a cell without the apostrophe that `CsvWriter` writes before text that would be a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _french_cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.{_DECIMALS}f}".replace(".", ",")
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
