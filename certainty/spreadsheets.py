"""Write CSV for programs, or for the spreadsheets of a French computer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, TextIO

EXCEL_HELP = "write CSV for French spreadsheets: semicolons, decimal commas, no cell that is taken for a formula"
"""Help of the option `--excel`."""

_BOM = "\ufeff"  # lets spreadsheets recognise UTF-8
_LINE_END = "\r\n"
_DECIMALS = 6
# What a spreadsheet may take for the beginning of a formula, also in full width, or skips before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


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
        self._out, self._excel = out, excel
        if excel or marked:
            out.write(_BOM)
        if excel:
            # The writer quotes a cell with a carriage return only if that is in its own line ends.
            self._line = io.StringIO(newline="")
            self._rows = csv.writer(self._line, delimiter=";", lineterminator=_LINE_END)
        else:
            self._rows = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")

    def write(self, row: Iterable[Any]) -> None:
        """Write a row.

        U+0000, which neither the csv module of Python 3.10 nor a spreadsheet takes, is written as U+FFFD.
        """
        cells = (cell.replace("\0", "\ufffd") if isinstance(cell, str) else cell for cell in row)
        if not self._excel:
            self._rows.writerow(cells)
            return
        self._rows.writerow(map(_french_cell, cells))
        self._out.write(self._line.getvalue().removesuffix(_LINE_END) + "\n")
        self._line.seek(0)
        self._line.truncate()


def without_guard(cell: str) -> str:
    """Return a cell without the apostrophe that `CsvWriter` writes before text that would be a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def _french_cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.{_DECIMALS}f}".replace(".", ",")
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
