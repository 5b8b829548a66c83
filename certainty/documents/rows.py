"""Read tables whose rows are texts: CSV, TSV, JSON, JSON Lines, Parquet, Excel."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from certainty.documents.kinds import Kind
from certainty.documents.workbooks import xlsx_rows
from certainty.errors import CertaintyError
from certainty.json_lines import parse_json_lines, read_json_lines
from certainty.messages import argument, shown
from certainty.reading import decode, read_bytes
from certainty.tables import read_csv, read_parquet

_ID = "id"
_LARGEST_EXACT = 2**53  # a float may stand for several larger integers


def read_rows(
    file: Path | bytes, kind: Kind, name: str, *, text_column: str, id_column: str | None, encoding: str | None = None
) -> Iterator[tuple[str, str]]:
    """Yield the id and the text of each row; both are empty if the row has no text.

    Args:
        file: Path of the table, or its content.
        kind: Kind of the table.
        name: Name of the table in messages.
        text_column: Column with the texts.
        id_column: Column with the ids, which may repeat or be empty; None takes `id` if there is such a column, and
            numbers the rows from 1 otherwise.
        encoding: Encoding of a CSV; None detects it.

    Raises:
        CertaintyError: If the table cannot be read, a column is missing, a text is not a string, or an id is not a
            string or a number. The message names the place.
        MissingExtraError: If the table is Parquet and pyarrow is not installed.
    """
    has_ids = False
    for number, (where, row) in enumerate(_read(file, kind, name, encoding, text_column), 1):
        has_ids = has_ids or _ID in row
        columns_of = where if kind in ("json", "json lines") else name  # other tables have one header for all rows
        yield text_of_row(row, None if has_ids else number, where, columns_of, text_column, id_column) or ("", "")


def text_of_row(
    row: Mapping[str, Any], number: int | None, where: str, columns_of: str, text_column: str, id_column: str | None
) -> tuple[str, str] | None:
    """Return the id and the text of a row, or None if it has no text; see `read_rows`.

    Args:
        row: The row.
        number: Its number, which is the id if there is no column with ids; None leaves the id empty.
        where: Its place, for messages.
        columns_of: What has the columns, for messages: the row, or the table.
        text_column: As for `read_rows`.
        id_column: As for `read_rows`.

    Raises:
        CertaintyError: If a column is missing, or the text or the id is of another type.
    """
    text = _cell(row, text_column, columns_of, "text_column")
    if is_missing(text):
        return None
    if not isinstance(text, str):
        raise CertaintyError(
            f"{where}: {text_column} is {shown(text)}, not a text; name the column with {argument('text_column')}."
        )
    key = row.get(_ID) if id_column is None else _cell(row, id_column, columns_of, "id_column")
    if isinstance(key, (bytes, Mapping, list)):
        raise CertaintyError(
            f"{where}: {id_column or _ID} is {shown(key)}, not a text or a number; name another column with "
            f"{argument('id_column')}."
        )
    if number is not None and id_column is None and _ID not in row:
        key = number
    return _written(key), text


def _read(
    file: Path | bytes, kind: Kind, name: str, encoding: str | None, text_column: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the place and the columns of each row."""
    rows: Iterable[tuple[int, Mapping[str, Any]]]
    unit = "line"
    if kind == "json":
        unit, rows = json_rows(read_bytes(file) if isinstance(file, Path) else file, name)
    elif kind == "csv":
        rows = read_csv(file, encoding, text_column, name, has_choice=True)
    elif kind == "json lines":
        rows = _json_lines(file, name) if isinstance(file, bytes) else read_json_lines(file)
    elif kind == "xlsx":
        unit, rows = "row", xlsx_rows(read_bytes(file) if isinstance(file, Path) else file, name)
    else:
        unit, rows = "row", read_parquet(file, name)
    for number, row in rows:
        yield f"{name}, {unit} {number}", row


def json_rows(data: bytes, name: str) -> tuple[str, Iterable[tuple[int, Mapping[str, Any]]]]:
    """Return the unit of the rows and the rows: the objects of a list, a single object, or those of JSON Lines.

    Raises:
        CertaintyError: If the data are none of these.
    """
    try:
        found = json.loads(decode(data, name))
    except (ValueError, RecursionError) as error:
        if isinstance(error, CertaintyError):
            raise
        if not _begins_with_an_object(data):
            raise CertaintyError(f"{name}: is not valid JSON ({error}); get it again if it was cut off.") from error
        return "line", _json_lines(data, name)
    rows = found if isinstance(found, list) else [found]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise CertaintyError(f"{name}: is JSON, but not a list of objects with a text in each; give such a list.")
    return "object", enumerate(rows, 1)


def _begins_with_an_object(data: bytes) -> bool:
    """Return whether the first line is a JSON object, as in JSON Lines."""
    try:
        return isinstance(json.loads(data.strip().partition(b"\n")[0]), dict)
    except (ValueError, RecursionError):
        return False


def _json_lines(data: bytes, name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = decode(data, name).encode()
    return parse_json_lines(data.splitlines(keepends=True), name)


def _cell(row: Mapping[str, Any], column: str, where: str, option: str) -> Any:
    if column not in row:
        columns = ", ".join(map(str, row)) or "none"
        names = {str(name).casefold(): str(name) for name in row}
        close = get_close_matches(column.casefold(), names, n=1)
        meant = f" Did you mean {names[close[0]]!r}?" if close else ""
        raise CertaintyError(
            f"{where}: no column {column!r}. Found: {columns}; name it with {argument(option)}.{meant}"
        )
    return row[column]


def _written(key: Any) -> str:
    """Return an id as a string, empty if there is none."""
    if is_missing(key):
        return ""  # the number of the row could be the id of another
    if isinstance(key, float) and key.is_integer() and abs(key) <= _LARGEST_EXACT:
        return str(int(key))  # pandas stores integers as floats in a column in which one is missing
    return str(key)


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty: None, NaN, or only white space."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())  # NaN is not itself
