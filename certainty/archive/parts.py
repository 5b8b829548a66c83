"""The parts of an archive: files that are written whole, and the record of each that commits them.

A part has rows of whole documents, in their order. Its files are written beside their final place, flushed to the disk
and renamed; only then its record is, in the same way. What has no record does not count, and is written again under the
same name, so that no sentence is lost or doubled wherever a run ends.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from certainty.archive.settings import ArchiveFormat
from certainty.archive.sizes import size_of
from certainty.errors import CertaintyError
from certainty.json_lines import write_json_lines
from certainty.writing import sync_folder, whole_binary_file, write_whole

if TYPE_CHECKING:
    import pyarrow

SENTENCES, ERRORS, RECORDS = "sentences", "errors", "parts"
"""Folders of an archive."""
TABLES = (SENTENCES, ERRORS)

_BATCH, _ROW_GROUP = 1_000, 20_000  # rows converted together, and rows of a group in Parquet
_ROW_GROUP_BYTES = 32_000_000  # after which a group ends with fewer rows: each may repeat long columns of its document


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far the files of an archive are read.

    Attributes:
        file: Index of the file.
        documents: Documents of this file that are done, counting those that could not be read.
    """

    file: int
    documents: int = 0


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a part has.

    Attributes:
        unit: The unit of work that it belongs to.
        number: Its number in the unit, from 0.
        start: Where it begins.
        end: Where it ends; the next part begins there.
        is_last: Whether the unit is done.
        documents: Documents with a text.
        empty: Rows of tables without a text.
        sentences: Rows of sentences.
        errors: Documents and inputs that could not be read.
        sizes: Bytes of its files, by their path in the archive.
    """

    unit: int
    number: int
    start: Cursor
    end: Cursor
    is_last: bool
    documents: int = 0
    empty: int = 0
    sentences: int = 0
    errors: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> PartRecord:
        """Read a record.

        Raises:
            CertaintyError: If the file is not a record.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            start, end = (Cursor(**values.pop(name)) for name in ("start", "end"))
            return cls(start=start, end=end, **values)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CertaintyError(
                f"{path}: damaged ({error}); delete it and resume: the part is scored again."
            ) from error


def part_name(unit: int, number: int) -> str:
    """Return the name of a part without ending; the names are in the order of the documents."""
    return f"part-{unit:09}-{number:06}"


def record_path(folder: Path, unit: int, number: int) -> Path:
    """Return the path of a record in an archive."""
    return folder / RECORDS / f"{part_name(unit, number)}.json"


def committed_parts(folder: Path, unit: int) -> list[PartRecord]:
    """Return the finished parts of a unit, up to the first whose files are not as they were written."""
    parts: list[PartRecord] = []
    while (path := record_path(folder, unit, len(parts))).is_file():
        record = PartRecord.read(path)
        if any(_size(folder / name) != size for name, size in record.sizes.items()):
            break
        parts.append(record)
    return parts


def all_records(folder: Path) -> Iterator[PartRecord]:
    """Yield the records of all finished parts, in the order of the documents."""
    for path in sorted((folder / RECORDS).glob("part-*.json")):
        yield PartRecord.read(path)


def discard_unfinished(folder: Path, records: Iterable[PartRecord]) -> None:
    """Delete what a killed run has left: drafts, and files and records of parts that are not finished."""
    records = list(records)
    kept = {folder / name for record in records for name in record.sizes}
    kept |= {record_path(folder, record.unit, record.number) for record in records}
    for place, pattern in ((folder, ".*.tmp"), *((folder / name, "*part-*") for name in (*TABLES, RECORDS))):
        for path in place.glob(pattern):  # the name of a draft has that of its part in it
            if path not in kept:
                path.unlink(missing_ok=True)  # a worker of a killed run may be renaming it before it ends, too


class PartWriter:
    """Write a part; what is not committed is deleted on leaving the context.

    Args:
        folder: The archive.
        unit: The unit of work.
        number: The number of the part.
        form: Format of its files.
        schemas: The Parquet schema of each table.
    """

    def __init__(
        self, folder: Path, unit: int, number: int, form: ArchiveFormat, schemas: Mapping[str, pyarrow.Schema]
    ) -> None:
        self._folder, self._unit, self._number, self._form, self._schemas = folder, unit, number, form, schemas
        self._open = ExitStack()
        self._tables: dict[str, _Table] = {}
        self.rows = dict.fromkeys(TABLES, 0)

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tables:
            for table in self._tables.values():
                table.abandon()
            unfinished = error or _NotCommittedError()
            with suppress(_NotCommittedError):
                self._open.__exit__(type(unfinished), unfinished, unfinished.__traceback__)

    def add(self, table: str, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows to a table; the file of a table without rows is not written.

        Raises:
            CertaintyError: If the file cannot be written.
        """
        for row in rows:
            if table not in self._tables:
                self._tables[table] = self._opened(table)
            self._tables[table].write(row)
            self.rows[table] += 1

    def commit(self, start: Cursor, end: Cursor, is_last: bool, documents: int, empty: int) -> PartRecord:
        """Finish the files, and then the record.

        Raises:
            CertaintyError: If a file cannot be written.
        """
        for table in self._tables.values():
            table.finish()
        names = [self._path(table) for table in self._tables]
        self._tables = {}
        self._open.close()
        for path in names:
            sync_folder(path.parent)
        record = PartRecord(
            self._unit,
            self._number,
            start,
            end,
            is_last,
            documents,
            empty,
            self.rows[SENTENCES],
            self.rows[ERRORS],
            {path.relative_to(self._folder).as_posix(): path.stat().st_size for path in names},
        )
        path = record_path(self._folder, self._unit, self._number)
        write_whole(path, json.dumps(asdict(record), indent=1) + "\n")
        sync_folder(path.parent)
        return record

    def _path(self, table: str) -> Path:
        return self._folder / table / f"{part_name(self._unit, self._number)}.{self._form}"

    def _opened(self, table: str) -> _Table:
        out = self._open.enter_context(whole_binary_file(self._path(table)))
        return _Parquet(out, self._schemas[table]) if self._form == "parquet" else _JsonLines(out)


class _NotCommittedError(Exception):
    """Makes `whole_binary_file` delete its draft."""


class _Table(Protocol):
    def write(self, row: dict[str, Any]) -> None: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...


class _JsonLines:
    def __init__(self, out: BinaryIO) -> None:
        self._out = io.TextIOWrapper(out, "utf-8", newline="")

    def write(self, row: dict[str, Any]) -> None:
        write_json_lines([_jsonable(row)], self._out)

    def finish(self) -> None:
        self._out.flush()
        self._out.detach()

    def abandon(self) -> None:
        pass


class _Parquet:
    """Rows are converted soon after they are given: as Python objects, they would need much more memory."""

    def __init__(self, out: BinaryIO, schema: pyarrow.Schema) -> None:
        from pyarrow.parquet import ParquetWriter

        self._schema = schema
        self._writer = ParquetWriter(out, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._batches: list[Any] = []
        self._size = 0

    def write(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        self._size += size_of(list(row.values()))
        if len(self._rows) == _BATCH:
            self._convert()
        if len(self._batches) == _ROW_GROUP // _BATCH or self._size >= _ROW_GROUP_BYTES:
            self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def abandon(self) -> None:
        self._writer.is_open = False  # else it writes the end of the file when it is collected

    def _convert(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._batches.append(pa.RecordBatch.from_pylist(self._rows, schema=self._schema))
            self._rows = []

    def _flush(self) -> None:
        import pyarrow as pa

        self._convert()
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches))
            self._batches, self._size = [], 0


def _jsonable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its dates as strings."""
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items()}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None
