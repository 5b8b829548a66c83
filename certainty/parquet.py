"""Read Parquet in batches of bounded size: a kilobyte may hold a string of megabytes that all of its rows repeat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from certainty.errors import CertaintyError

if TYPE_CHECKING:
    import pyarrow
    from pyarrow.parquet import ParquetFile

LARGEST = 300_000_000
"""Most bytes of a text, or of a row, after decompression; a bomb is not unpacked further."""
RATIO = 20
"""What is larger may be so many times its size as stored: Parquet is compressed already, and a bomb has a factor of
1,000."""
_BATCH_BYTES, _BATCH_ROWS = 32_000_000, 256
_HEAD = 32  # bytes of a page that have its kind and its size
_INT32_FIELD, _DICTIONARY_PAGE = 0x15, 2  # of the header of a page, in the compact protocol of Thrift


def open_parquet(source: BinaryIO) -> ParquetFile:
    """Open a Parquet file.

    Args:
        source: The file, in binary mode, which can be read from any position.

    Raises:
        pyarrow.ArrowException: If it is not Parquet, or damaged; or an OSError or a ValueError.
    """
    from pyarrow.parquet import ParquetFile

    file = ParquetFile(source)
    columns = map(file.schema.column, range(len(file.schema)))
    # A list may repeat a long string: as a dictionary, it is held once, and its length is known before it is repeated.
    lists = [column.path for column in columns if column.physical_type == "BYTE_ARRAY" and column.max_repetition_level]
    return ParquetFile(source, metadata=file.metadata, read_dictionary=lists) if lists else file


def parquet_batches(
    file: ParquetFile, source: BinaryIO, name: str, largest: int = LARGEST
) -> Iterator[pyarrow.RecordBatch]:
    """Yield the rows in batches of at most 256, and of about 32 MB unless a single row is larger.

    Args:
        file: Result of `open_parquet`.
        source: The file that it reads.
        name: Name of the file in messages.
        largest: Most bytes of a row.

    Raises:
        CertaintyError: If a row is larger, or the rows that are stored together would unpack to more than that and
            `RATIO` times their size.
        pyarrow.ArrowException: If the file is damaged; or an OSError or a ValueError.
    """
    number = 0
    for group in range(file.num_row_groups):
        _refuse_bomb(file, group, name, largest)
        for batch in file.iter_batches(_rows_at_a_time(file, group, source), row_groups=[group]):
            for part in _divided(batch):
                if part.num_rows == 1 and _size(part) > largest:
                    raise CertaintyError(
                        f"{name}: row {number + 1} has over {largest / 1e6:,.0f} MB; leave it out, or divide its text."
                    )
                yield part
                number += part.num_rows


def _refuse_bomb(file: ParquetFile, group: int, name: str, largest: int) -> None:
    """Refuse rows that would unpack to too much, as no fewer than a page, or a list, are unpacked at once."""
    stored = unpacked = 0
    for column, described in _columns(file, group):
        stored += described.total_compressed_size
        values = 8 * described.num_values if column.max_repetition_level else 0  # equal ones take no place in a file
        unpacked += max(described.total_uncompressed_size, values)
    if unpacked > max(largest, RATIO * stored):
        raise CertaintyError(
            f"{name}: row group {group + 1} unpacks to over {largest / 1e6:,.0f} MB and {RATIO} times its size, more "
            "than is allowed; write it in smaller row groups."
        )


def _rows_at_a_time(file: ParquetFile, group: int, source: BinaryIO) -> int:
    """Return how many rows have `_BATCH_BYTES`, if each has the longest string that may be repeated."""
    rows = max(1, file.metadata.row_group(group).num_rows)
    size = 1
    for column, described in _columns(file, group):
        repeated = 0
        if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
            repeated = column.length
        elif column.physical_type == "BYTE_ARRAY" and not column.max_repetition_level:
            repeated = _repeatable(described, source)
        size += max(repeated, described.total_uncompressed_size // rows)
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES // size))


def _repeatable(described: Any, source: BinaryIO) -> int:
    """Return the most bytes of a value that rows of a column share: those of its dictionary, or of a prefix."""
    encodings = set(described.encodings)
    if "DELTA_BYTE_ARRAY" in encodings:
        return int(described.total_uncompressed_size)
    start = described.data_page_offset
    if described.has_dictionary_page:
        start = min(start, described.dictionary_page_offset or start)
    source.seek(start)
    kind, size = _page(source.read(_HEAD))
    if kind == _DICTIONARY_PAGE:
        return size
    return int(described.total_uncompressed_size) if encodings & {"PLAIN_DICTIONARY", "RLE_DICTIONARY"} else 0


def _page(head: bytes) -> tuple[int, int]:
    """Return the kind of a page and the bytes that it unpacks to, which are the first two fields of its header."""
    values: list[int] = []
    rest = iter(head)
    while len(values) < 2 and next(rest, None) == _INT32_FIELD:
        value = shift = 0
        for byte in rest:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        values.append(value >> 1)  # zigzag; neither is negative
    return (values[0], values[1]) if len(values) == 2 else (-1, 0)


def _columns(file: ParquetFile, group: int) -> Iterator[tuple[Any, Any]]:
    """Yield each column's schema, and what is said of its values in a row group."""
    metadata = file.metadata.row_group(group)
    for i in range(metadata.num_columns):
        yield file.schema.column(i), metadata.column(i)


def _divided(batch: pyarrow.RecordBatch) -> Iterator[pyarrow.RecordBatch]:
    if batch.num_rows < 2 or _size(batch) <= _BATCH_BYTES:
        yield batch
        return
    middle = batch.num_rows // 2
    yield from _divided(batch.slice(0, middle))
    yield from _divided(batch.slice(middle))


def _size(batch: pyarrow.RecordBatch) -> int:
    return sum(map(_decoded, batch.columns))


def _decoded(array: Any) -> int:
    """Return about how many bytes an array has, if what it repeats is counted as often."""
    from pyarrow import compute, types

    kind = array.type
    if types.is_dictionary(kind):
        strings = (types.is_string, types.is_binary, types.is_large_string, types.is_large_binary)
        if any(is_kind(kind.value_type) for is_kind in strings):
            lengths = compute.take(compute.binary_length(array.dictionary), array.indices)
            return int(compute.sum(lengths).as_py() or 0)
        return int(array.indices.nbytes)
    if types.is_struct(kind):
        return int(sum(map(_decoded, array.flatten())))
    if types.is_fixed_size_list(kind):
        return _decoded(array.flatten())
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        start, stop = int(array.offsets[0].as_py()), int(array.offsets[-1].as_py())
        return 8 * (stop - start) + _decoded(array.values.slice(start, stop - start))
    return int(array.nbytes)
