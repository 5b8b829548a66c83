"""Read the documents of a file one after the other, in constant memory; one that cannot be read stops none after it."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import PurePath
from typing import Any, BinaryIO, Literal, cast

from certainty.archive.doubts import Doubts
from certainty.archive.inputs import InputFile, OpenedFile, opened
from certainty.documents.compression import is_damage
from certainty.documents.extraction import extracted_text
from certainty.documents.kinds import HEAD, TABLES, Kind, kind_of
from certainty.documents.reader import ReadingOptions, refuse_csv
from certainty.documents.rows import json_rows, text_of_row
from certainty.documents.workbooks import xlsx_rows
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.json_lines import parse_json_line
from certainty.parquet import LARGEST, RATIO, open_parquet, parquet_batches
from certainty.reading import encoding_of
from certainty.tables import parquet_row, parse_csv

_BLOCK = 1 << 20  # bytes of a compressed file unpacked at a time

Stage = Literal["find", "read"]
"""Where an error was met: no file was found for an input; or a file, or a document in it, could not be read."""

Row = tuple[str, Mapping[str, Any] | CertaintyError]
"""The place of a row, for messages, and its columns, or what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ArchiveText:
    """A document of an archive, or a row or file that could not be read.

    Attributes:
        file: Name of the file.
        row: Number of the row in its file, from 1; None if the file is a single text, or could not be read further.
        id: Its id: that of the row or its number, or the name of the file.
        text: Its text; empty if it could not be read, or the row has none.
        columns: The columns of its row.
        error: Why it could not be read; None if it could.
        stage: Where the error was met.
        position: Bytes of the file that had been read.
        number: Which document of the file it is, from 1, counting those that could not be read.
    """

    file: str
    row: int | None
    id: str
    text: str = ""
    columns: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    stage: Stage = "read"
    position: int = 0
    number: int = 1


def read_documents(file: InputFile, options: ReadingOptions, doubts: Doubts, skip: int = 0) -> Iterator[ArchiveText]:
    """Yield the documents of a file; also those that cannot be read, with their error.

    Args:
        file: The file.
        options: How to read it.
        doubts: Told of texts that look damaged or are not French.
        skip: Number of documents to leave out at the beginning.

    Raises:
        OSError: If reading fails for a reason that another attempt may not meet.
        MissingExtraError: If a library that reads this kind of file is not installed.
    """
    number = 0
    try:
        with opened(file) as stream:
            for number, (row, given) in enumerate(_texts(file, stream, options), 1):
                if number > skip:
                    yield _checked(file, stream, options, doubts, row, given, number)
    except CertaintyError as error:
        if isinstance(error, ImportError):
            raise
        # It is new, even if met while documents to skip are read again: no part ends with an error but that of a unit.
        stage: Stage = "read" if file.error is None else "find"
        after = max(number, skip) + 1
        yield ArchiveText(file.name, None, file.name, error=str(error), stage=stage, number=after)


def head_columns(file: InputFile, rows: int) -> Iterator[tuple[str, Any]]:
    """Yield the columns of the first rows of a table, again for each, with the arrow type; None if it is not declared.

    Raises:
        CertaintyError: If the file cannot be read.
    """
    with opened(file) as stream:
        kind = _kind(file, stream)
        if kind == "parquet":
            schema = _parquet(file, stream)[0].schema_arrow
            yield from zip(schema.names, schema.types, strict=True)
        elif kind in TABLES:
            for _, columns in islice(_rows(file, stream, kind, ReadingOptions()), rows):
                if not isinstance(columns, CertaintyError):
                    yield from ((str(column), None) for column in columns)


_Given = tuple[int | None, str | tuple[str, str, Mapping[str, Any]] | CertaintyError | None]


def _texts(file: InputFile, stream: OpenedFile, options: ReadingOptions) -> Iterator[_Given]:
    """Yield each row's number with its id, text and columns, or None without a text; or the text of a whole file."""
    kind = _kind(file, stream)
    if kind not in TABLES:
        text = extracted_text(_read_whole(stream, file.name), kind, file.name, options.encoding)
        if kind == "text" and not options.force:
            refuse_csv(text, file.name)
        yield None, text
        return
    for number, (where, row) in enumerate(_rows(file, stream, kind, options), 1):
        if isinstance(row, CertaintyError):
            yield number, row
            continue
        columns_of = where if kind in ("json", "json lines") else file.name
        try:
            found = text_of_row(row, number, where, columns_of, options.text_column, options.id_column)
        except CertaintyError as error:
            yield number, error
            continue
        yield number, None if found is None else (*found, row)


def _checked(
    file: InputFile,
    stream: OpenedFile,
    options: ReadingOptions,
    doubts: Doubts,
    row: int | None,
    given: str | tuple[str, str, Mapping[str, Any]] | CertaintyError | None,
    number: int,
) -> ArchiveText:
    name = file.name if row is None else str(row)
    found = ArchiveText(file.name, row, name, position=stream.position, number=number)
    if given is None:
        return found
    if isinstance(given, CertaintyError):
        return replace(found, error=str(given))
    key, text, columns = (name, given, {}) if isinstance(given, str) else given
    where = file.name if row is None else f"{file.name}, row {row}{f' ({key})' if key else ''}"
    found = replace(found, id=key, columns=columns)
    try:
        return replace(found, text=doubts.checked(text, where, options, is_file=row is None))
    except CertaintyError as error:
        if isinstance(error, ImportError):
            raise
        return replace(found, error=str(error))


def _kind(file: InputFile, stream: OpenedFile) -> Kind:
    head, ending = stream.content.peek(HEAD), PurePath(file.uncompressed_name).suffix.lower()
    if head.startswith(b"PK\x03\x04"):  # the members of an archive tell its kind
        data = _read_whole(stream, file.name)
        stream.content = io.BufferedReader(io.BytesIO(data))
        return kind_of(data, file.name, ending)
    return kind_of(head[:HEAD], file.name, ending)


def _rows(file: InputFile, stream: OpenedFile, kind: Kind, options: ReadingOptions) -> Iterator[Row]:
    unit: str
    rows: Iterable[tuple[int, Mapping[str, Any] | CertaintyError]]
    if kind == "json lines":
        unit, rows = "line", _json_lines(stream, file.name)
    elif kind == "csv":
        unit, rows = "line", _csv(stream, file.name, options)
    elif kind == "parquet":
        unit, rows = "row", _parquet_rows(file, stream)
    elif kind == "xlsx":
        unit, rows = "row", xlsx_rows(_read_whole(stream, file.name), file.name)
    else:
        unit, rows = json_rows(_read_whole(stream, file.name), file.name)
    for number, row in rows:
        yield f"{file.name}, {unit} {number}", row


def _json_lines(stream: OpenedFile, name: str) -> Iterator[tuple[int, Mapping[str, Any] | CertaintyError]]:
    encoding = encoding_of(stream.content.peek(HEAD)[:HEAD])
    lines: Iterable[bytes] = _lines(stream.content, name)
    if encoding == "utf-16":
        text = io.TextIOWrapper(stream.content, encoding, newline="\n")
        lines = (line.encode() for line in _lines(text, name))
    try:
        for number, line in enumerate(lines, 1):
            try:
                row = parse_json_line(line, f"{name}, line {number}")
            except CertaintyError as error:
                yield number, error
                continue
            if row is not None:
                yield number, row
    except UnicodeError as error:
        raise CertaintyError(f"{name}: cannot be decoded as {encoding} ({error}); save it as UTF-8.") from error


def _csv(
    stream: OpenedFile, name: str, options: ReadingOptions
) -> Iterator[tuple[int, Mapping[str, Any] | CertaintyError]]:
    encoding = options.encoding or encoding_of(stream.content.peek(HEAD))
    try:
        text = io.TextIOWrapper(
            stream.content, encoding, errors="strict" if options.encoding else "replace", newline=""
        )
    except LookupError:
        raise CertaintyError(f"{name}: unknown encoding {encoding!r}; give one that Python knows.") from None
    try:
        yield from parse_csv(_lines(text, name), name, options.text_column, LARGEST)
    except UnicodeError as error:
        raise CertaintyError(
            f"{name}: cannot be decoded as {encoding} ({error}); give the correct encoding or save it as UTF-8."
        ) from error


def _lines(stream: Any, name: str) -> Iterator[Any]:
    while line := stream.readline(LARGEST):
        if len(line) == LARGEST:
            raise CertaintyError(f"{name}: has a line of over {LARGEST:,} characters, which is no row; leave it out.")
        yield line


def _parquet(file: InputFile, stream: OpenedFile) -> tuple[Any, BinaryIO]:
    """Return a Parquet file, and what it is read from."""
    name = file.name
    needs("pyarrow", extra="archive", user=f"{name}: Parquet")
    from pyarrow import ArrowException

    source: BinaryIO = stream.content if stream.is_seekable else _unpacked(file, stream)
    try:
        return open_parquet(source), source
    except CertaintyError:  # of the storage, not of what is stored
        raise
    except (ArrowException, OSError, ValueError) as error:
        if not is_damage(error):
            raise
        raise CertaintyError(f"{name}: cannot be read as Parquet ({error}); save it again.") from error


def _unpacked(file: InputFile, stream: OpenedFile) -> BinaryIO:
    """Return a file on the disk with the content of a compressed Parquet file, which is not read from the beginning."""
    left = max(LARGEST, RATIO * (file.size or 0))
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115  closed with the ParquetFile that reads it
    while block := stream.content.read(_BLOCK):
        left -= len(block)
        if left < 0:
            unpacked.close()
            raise CertaintyError(
                f"{file.name}: unpacks to over 300 MB and {RATIO} times its size, more than is allowed; "
                "unpack it, and give the Parquet file in it."
            )
        unpacked.write(block)
    return cast(BinaryIO, unpacked)


def _parquet_rows(file: InputFile, stream: OpenedFile) -> Iterator[tuple[int, Mapping[str, Any] | CertaintyError]]:
    from pyarrow import ArrowException

    (table, source), name = _parquet(file, stream), file.name
    number = 0
    try:
        for batch in parquet_batches(table, source, name, LARGEST):
            for index in range(batch.num_rows):  # one by one, as one may hold what Python cannot
                number += 1
                yield number, parquet_row(batch, index, f"{name}: row {number}")
    except (ArrowException, OSError) as error:
        if not is_damage(error):
            raise
        raise CertaintyError(f"{name}: row {number + 1} cannot be read ({error}); save it again.") from error


def _read_whole(stream: OpenedFile, name: str) -> bytes:
    data = stream.content.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise CertaintyError(f"{name}: has over {LARGEST / 1e6:,.0f} MB of text; divide it at blank lines.")
    return data
