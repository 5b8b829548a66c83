"""The target `archive`: files that `certainty archive` reads row by row, while they are decompressed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from benchmarks.fuzz.made import folder
from certainty.archive.documents import read_documents
from certainty.archive.doubts import Doubts
from certainty.archive.inputs import InputFile
from certainty.documents.reader import ReadingOptions


def _zstd(data: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.compress(data)


_KINDS = (".jsonl", ".csv", ".tsv", ".parquet", ".json", ".txt")
_COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, 1),
    ".zst": _zstd,
    ".bz2": bz2.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
}
_COMPRESSIONS = tuple(_COMPRESSED)
_UNITS = ("ms", "us", "ns")


def archive(data: bytes) -> None:
    """Any file is documents in order, each with a text or one error that names the file, from wherever it goes on."""
    how, content = (data[:2], data[2:]) if len(data) > 1 else (b"\0\0", b"")
    kind = _KINDS[how[0] % len(_KINDS)]
    compression = _COMPRESSIONS[how[1] % len(_COMPRESSIONS)]
    way = how[1] // len(_COMPRESSIONS) % 3
    if way and kind == ".parquet":
        content = _parquet(content)
    if way != 2:  # else, what is damaged is what the decompressor gets
        content = _COMPRESSED[compression](content)
    path = folder() / f"a{kind}{compression}"
    path.write_bytes(content)
    file = InputFile(f"name{kind}{compression}", len(content), _local(), str(path))
    options, skip = ReadingOptions(force=bool(how[0] & 128)), how[0] // 8 % 4
    found = list(read_documents(file, options, Doubts()))
    assert [one.number for one in found] == list(range(1, len(found) + 1)), found
    for one in found:
        assert one.error is None or (one.error.startswith("name") and not one.text), one
    if skip < len(found):
        rest = read_documents(file, options, Doubts(), skip)
        assert [(one.number, one.text, one.error) for one in rest] == [
            (one.number, one.text, one.error) for one in found[skip:]
        ]


def seeds() -> Iterator[bytes]:
    """Yield a file of each kind in each compression, given and damaged."""
    rows = [
        {"text": "Il pleut.", "id": 1, "day": "2020-01-01"},
        {"text": "Le maire dément.", "id": "b"},
        {"text": None},
    ]
    contents = {
        ".jsonl": "\n".join(map(json.dumps, rows)).encode(),
        ".csv": 'text;id\nIl pleut.;1\n"Il dit « non ».";2\n;3\n'.encode(),
        ".tsv": "text\tid\nL’été, il neige.\t1\n".encode("cp1252"),
        ".parquet": _parquet(b"\1Europe/Paris\nIl pleut.\nLe maire d\xc3\xa9ment."),
        ".json": json.dumps(rows).encode(),
        ".txt": "Il pleut. Le maire dément.".encode("utf-16"),
    }
    for number, kind in enumerate(_KINDS):
        for other, compression in enumerate(_COMPRESSIONS):
            yield bytes([number, other]) + contents[kind]
            yield bytes([number + 2 * len(_KINDS), other + 2 * len(_COMPRESSIONS)]) + _COMPRESSED[compression](
                contents[kind]
            )
    for byte in range(8):
        yield bytes([_KINDS.index(".parquet"), len(_COMPRESSIONS), byte]) + b"Mars/Phobos\nIl pleut.\n\xff\n12345678"


def _parquet(data: bytes) -> bytes:
    """Return a Parquet file with a column of texts, which may be no UTF-8, and one of times in any zone."""
    import pyarrow as pa
    from pyarrow.parquet import write_table

    zone, *texts = data[1:].split(b"\n")
    unit = _UNITS[data[0] % len(_UNITS)] if data else "ms"
    numbers = [int.from_bytes(text[-8:], "little", signed=True) for text in texts]
    times = pa.array(numbers, pa.int64()).view(pa.timestamp(unit, zone.decode("ascii", "replace") or None))
    column: Any = pa.array(texts, pa.binary()).view(pa.string())
    out = io.BytesIO()
    write_table(pa.table({"text": column, "time": times, "day": pa.array(numbers, pa.int64())}), out)
    return out.getvalue()


@cache
def _local() -> Any:
    import fsspec

    return fsspec.filesystem("file")
