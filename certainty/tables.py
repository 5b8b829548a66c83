"""Read tables: CSV and TSV files as written by spreadsheets of any locale, and Parquet files."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.parquet import open_parquet, parquet_batches
from certainty.reading import decode, read_bytes

logger = logging.getLogger(__name__)

_LONGEST_FIELD = 2**31 - 1
_SEPARATORS = ("\t", ";", ",")  # if a header has equally many of two, the first one wins
_SAMPLE = 2**20  # characters that tell whether a text is a table
_SAMPLE_ROWS = 100
_FEWEST_ROWS = 3
_FEW = 0.1  # share of the rows of a plain table that may have more or fewer fields
_COLUMN_NAME = re.compile(r"(?=.*[^\W\d_])[^\s.!?…](?:.{0,38}[^\s.!?…])?")  # has a letter, and is no sentence
_NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?')  # first line that tells Excel the separator


def read_csv(
    path: Path | bytes,
    encoding: str | None = None,
    needed: str | None = None,
    name: str = "",
    *,
    has_choice: bool = False,
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of the line on which each row begins, and the row as a dict; skip blank rows.

    The separator is the most frequent of `;`, `,` and tab in the header, unless a first line `sep=…` names another. If
    no encoding is given, it is detected as in `certainty.reading.read_text`.

    Some spreadsheets leave out empty fields at the end of a row: missing fields are empty strings, with a warning. But
    a row that ends before the column `needed`, or two short rows that make a whole one together, come from a text with
    a line break outside quotes, and are refused. A separator at the end of every row but the header adds no field.

    Args:
        path: The file, or its content.
        encoding: Its encoding; None detects it.
        needed: Column that each row must reach; None accepts rows of any length.
        name: Name of the file in messages; by default, its path.
        has_choice: Whether the user can give an encoding, so that messages advise it.

    Raises:
        CertaintyError: If the file cannot be read, or a line is not a row of the table. The message names the line.
    """
    name = name or str(path)
    data = path if isinstance(path, bytes) else read_bytes(path)
    text = decode(data, name, encoding, has_choice=has_choice)
    for line, row in parse_csv(io.StringIO(text, newline=""), name, needed):
        if isinstance(row, CertaintyError):
            raise row
        yield line, row


def parse_csv(
    lines: Iterable[str], name: str, needed: str | None = None, longest: int = _LONGEST_FIELD
) -> Iterator[tuple[int, dict[str, str] | CertaintyError]]:
    """Yield the number of the line on which each row begins, and the row, or what is wrong with it; see `read_csv`.

    Args:
        lines: The lines, with their line breaks, such as a file opened with `newline=""`.
        name: Name of the table in messages.
        needed: Column that each row must reach; None accepts rows of any length.
        longest: Maximum number of characters in a field.

    Raises:
        CertaintyError: If the header is missing or has a column twice.
    """
    rows = iter(lines)
    first = next(rows, "")
    named = _NAMED_SEPARATOR.match(first)
    begun = [first[named.end() :] if named else first]
    begun += () if begun[0].strip() else _to_header(rows)
    separator = named[1] if named else _separator(begun[-1])
    parsed = _rows(chain(filter(None, begun), rows), separator, name, 2 if named else 1, longest)
    header_line, header = next(parsed, (0, []))
    if isinstance(header, CertaintyError):
        raise header
    if not header:
        raise CertaintyError(f"{name}: has no header; give a first row with the names of the columns.")
    names = [column.strip() for column in header]
    if (repeated := repeated_name(names)) is not None:
        raise CertaintyError(f"{name}, line {header_line}: column {repeated!r} appears twice; rename one.")
    piped = [column.split("|") for column in names if "|" in column]
    if needed not in (None, *names) and piped and (len(names) == 1 or any(needed in parts for parts in piped)):
        taken = f"is read as separated by {separator!r}" if len(names) > 1 else "has no comma, semicolon or tab"
        raise CertaintyError(
            f"{name}, line {header_line}: no column {needed!r}: the header {taken}; if '|' separates the columns, "
            "write a first line `sep=|`, or save the table with semicolons."
        )
    least = names.index(needed) + 1 if needed in names else 1
    above = len(names)  # number of fields in the row above
    short = first_short = 0
    closed: bool | None = None  # whether rows end in a separator too many
    for line, row in parsed:
        if isinstance(row, CertaintyError):
            yield line, row
            continue
        extra = len(row) == len(names) + 1 and not row[-1].strip()
        closed = extra if closed is None else closed
        if closed and not extra:
            yield (
                line,
                CertaintyError(
                    f"{name}, line {line}: does not end in {separator!r}, but the rows above do; end all rows "
                    "with it, or none."
                ),
            )
            continue
        if closed:
            row = row[:-1]
        if wrong := _wrong_length(len(row), len(names), least, above):
            yield line, CertaintyError(f"{name}, line {line}: {wrong.format(repr(separator))}")
            above = len(row)
            continue
        if len(row) < len(names):
            short, first_short = short + 1, first_short or line
        above = len(row)
        yield line, dict(zip(names, [*row, *[""] * (len(names) - len(row))], strict=True))
    if short:
        count = "1 row has" if short == 1 else f"{short} rows have"
        logger.warning(
            "%s: %s fewer fields than the header (first: line %d); the missing fields are read as empty.",
            *(name, count, first_short),
        )


def read_parquet(path: Path | bytes, name: str = "") -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of each row, counted from 1, and the row as a dict.

    Args:
        path: The file, or its content.
        name: Name of the file in messages; by default, its path.

    Raises:
        MissingExtraError: If pyarrow is not installed.
        CertaintyError: If the file cannot be read.
    """
    name = name or str(path)
    needs("pyarrow", extra="parquet", user=f"{name}: Parquet")
    from pyarrow import ArrowException

    number = 0
    try:
        with io.BytesIO(path) if isinstance(path, bytes) else path.open("rb") as source:
            for batch in parquet_batches(open_parquet(source), source, name):
                for row in _parquet_rows(batch, name, number + 1):
                    if isinstance(row, CertaintyError):
                        raise row
                    number += 1
                    yield number, row
    except CertaintyError:
        raise
    except (ArrowException, OSError, ValueError) as error:  # a ValueError for names of columns that are no UTF-8
        raise CertaintyError(f"{name}: cannot be read as Parquet ({error}); save it again.") from error


def parquet_row(batch: Any, index: int, where: str) -> dict[str, Any] | CertaintyError:
    """Return a row of a batch of a Parquet file, or what is wrong with it.

    Args:
        batch: The batch.
        index: Number of the row in it, from 0.
        where: Place of the row, for messages.
    """
    try:
        row: dict[str, Any] = batch.slice(index, 1).to_pylist()[0]
    except MemoryError:
        raise
    except Exception as error:  # of almost any type: invalid UTF-8, a date after 9999, a time zone that nobody knows
        return CertaintyError(f"{where} cannot be read ({type(error).__name__}: {error}); mend it.")
    return row


def _parquet_rows(batch: Any, name: str, first: int) -> Iterable[dict[str, Any] | CertaintyError]:
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except MemoryError:
        raise
    except Exception:  # one of them says why
        return (parquet_row(batch, index, f"{name}: row {first + index}") for index in range(batch.num_rows))
    return rows


def repeated_name(names: Iterable[str]) -> str | None:
    """Return the first name that repeats one before it, not counting empty ones; None if none does."""
    seen: set[str] = set()
    for name in filter(None, names):
        if name in seen:
            return name
        seen.add(name)
    return None


def csv_header(text: str) -> list[str]:
    """Return the names of the columns that a text would have, read as `read_csv` reads it."""
    return [name.strip() for name in next(_sample(text), [])]


def is_plainly_csv(text: str) -> bool:
    """Return whether a text can only be a CSV table: a header of short names above rows with as many fields.

    Prose may have as many commas in each line, but has spaces or sentences where a header has names. Where names recur
    in the rows, they are speakers or headings.
    """
    header, *rows = list(islice(_sample(text), _SAMPLE_ROWS + 1)) or [[]]
    if header and not header[-1].strip():
        header.pop()  # a separator at the end
    if len(header) < 2 or len(rows) < _FEWEST_ROWS or not all(map(_COLUMN_NAME.fullmatch, header)):
        return False
    fields = {len(header), len(header) + 1} if all(not row[-1].strip() for row in rows) else {len(header)}
    uneven = sum(len(row) not in fields for row in rows)
    recurring = any(name == field for row in rows for name, field in zip(header, row, strict=False))
    return uneven <= _FEW * len(rows) and not recurring


def _sample(text: str) -> Iterator[list[str]]:
    """Yield the rows at the beginning of a text, as far as they can be read as CSV."""
    named = _NAMED_SEPARATOR.match(text)
    sample = text[named.end() if named else 0 :][:_SAMPLE]
    separator = named[1] if named else _separator(sample.lstrip().partition("\n")[0])
    for _, row in _rows(io.StringIO(sample, newline=""), separator, "", 1, _SAMPLE):
        if isinstance(row, CertaintyError):  # not CSV, or cut within quotes
            return
        yield row


def _to_header(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines up to the first one that is not blank."""
    for line in lines:
        yield line
        if line.strip():
            return


def _wrong_length(fields: int, columns: int, least: int, above: int) -> str:
    """Return what is wrong with a row of so many fields, with {} for the separator; "" if nothing is."""
    if fields > columns:
        return f"{fields} fields, but the header has {columns}; put any text that contains {{}} in double quotes."
    if fields < columns and (fields < least or (above < columns and above + fields - 1 == columns)):
        return (
            f"{'1 field' if fields == 1 else f'{fields} fields'}, but the header has {columns}; put any text that "
            "contains a line break in double quotes (it may begin in the row above), and write {} for each empty field "
            "at the end of a row."
        )
    return ""


def _rows(
    lines: Iterable[str], separator: str, name: str, first: int, longest: int
) -> Iterator[tuple[int, list[str] | CertaintyError]]:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        begin = first + reader.line_num
        limit = csv.field_size_limit(longest)  # a setting of the whole process; its default is 131,072
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield (
                begin,
                CertaintyError(
                    f"{name}, line {begin}: not a table row ({error}); in a quoted field, double any quotes inside it "
                    "and close the field with a quote."
                ),
            )
            continue
        finally:
            csv.field_size_limit(limit)
        if any(field.strip() for field in row):
            yield begin, row


def _separator(header: str) -> str:
    outside_quotes = "".join(header.lstrip().split('"')[::2])
    return max(_SEPARATORS, key=outside_quotes.count)
