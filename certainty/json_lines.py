"""Read and write JSON Lines (one object per line) and files that hold a single JSON list."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any, TextIO, cast

from certainty.errors import CertaintyError
from certainty.messages import shown
from certainty.reading import decode

_LONGEST_LINE = 100_000_000
"""Bytes of a line of a compressed file, which is small however much it holds."""
_LARGEST_LIST = 300_000_000
"""Bytes of a list in a compressed file."""
_ZIP = b"PK\x03\x04"
_SHOWN = 60  # characters of an invalid line shown in a message


def read_json_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and object of each non-blank line.

    A file whose name ends in .gz is decompressed. UTF-16 is recognised by its byte order mark.

    Raises:
        CertaintyError: If the file cannot be read, or a line is not a JSON object. The message names the line.
    """
    with _opened(Path(path)) as lines:
        yield from parse_json_lines(bounded_lines(lines, str(path)) if Path(path).suffix == ".gz" else lines, str(path))


def parse_json_lines(lines: Iterable[bytes], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and object of each non-blank line.

    Args:
        lines: The lines, such as a file opened in binary mode.
        name: Name of the file, for error messages.

    Raises:
        CertaintyError: If a line is not a JSON object, or the file is compressed and damaged.
    """
    with _refusing_damage(name):
        for number, line in enumerate(lines, 1):
            if (row := parse_json_line(line, f"{name}, line {number}")) is not None:
                yield number, row


def parse_json_line(line: bytes, where: str) -> dict[str, Any] | None:
    """Return the object of a line, or None if the line is blank.

    Raises:
        CertaintyError: If the line is not a JSON object. The message refers to it as `where`.
    """
    text = _decoded(line, where)
    return _object(text, where) if text.strip() else None


def bounded_lines(lines: BufferedReader | BytesIO, name: str) -> Iterator[bytes]:
    """Yield the lines of a file that may hold far more than its size, as it was compressed.

    Raises:
        CertaintyError: If a line has over 100 MB.
    """
    number = 0
    while line := lines.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise CertaintyError(
                f"{name}, line {number}: has over {_LONGEST_LINE / 1e6:.0f} MB; put one object on each line."
            )
        yield line


def write_json_lines(rows: Iterable[Any], out: TextIO) -> None:
    """Write one JSON value per line, without collecting the rows first."""
    out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_json_list(path: Path, mend: str) -> list[dict[str, Any]]:
    """Return the objects of a file that holds a single JSON list.

    Args:
        path: The file.
        mend: How to get such a file, for error messages.

    Raises:
        CertaintyError: If the file cannot be read, or is not a list of objects.
    """
    with _opened(path) as file, _refusing_damage(str(path)):
        data = file.read(_LARGEST_LIST + 1) if path.suffix == ".gz" else file.read()
    if path.suffix == ".gz" and len(data) > _LARGEST_LIST:
        raise CertaintyError(
            f"{path}: unpacks to over {_LARGEST_LIST / 1e6:.0f} MB, more than is allowed; divide the list. {mend}"
        )
    text = _decoded(data, str(path))
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CertaintyError(f"{path}: not JSON ({error}). {mend}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CertaintyError(f"{path}: expected a JSON list of objects. {mend}")
    return rows


def write_json_list(items: Iterable[Any], out: TextIO) -> None:
    """Write a JSON list with one item per line, without collecting the items first."""
    separator = "[\n"
    for item in items:
        out.write(separator + json.dumps(item, ensure_ascii=False))
        separator = ",\n"
    out.write("\n]\n" if separator != "[\n" else "[]\n")


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        given = text.strip()
        given = given if len(given) <= _SHOWN else given[:_SHOWN] + "…"
        raise CertaintyError(
            f"{where}: not a JSON object: {error}; the line is {given!r}. JSON Lines files have one object per line."
        ) from error
    if not isinstance(row, dict):
        raise CertaintyError(
            f"{where}: expected a JSON object, found {type(row).__name__} {shown(row)}. JSON Lines files have one "
            "object per line."
        )
    return row


@contextmanager
def _refusing_damage(name: str) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CertaintyError(f"{name}: the compressed file is damaged ({error}); get it again.") from error


def _opened(path: Path) -> BufferedReader | BytesIO:
    if path.is_dir():
        raise CertaintyError(f"{path}: is a directory; give a file in it.")
    compressed = path.suffix == ".gz"
    try:
        opened = gzip.GzipFile(path) if compressed else path.open("rb")
    except FileNotFoundError:
        raise CertaintyError(f"{path}: no such file; check the name and the folder.") from None
    except OSError as error:
        raise CertaintyError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    file = cast(BufferedReader, opened)
    if not compressed and file.peek(len(_ZIP))[: len(_ZIP)] == _ZIP:
        file.close()
        raise CertaintyError(f"{path}: is a zip archive; unpack it and give a file in it.")
    if not compressed and file.peek(2).startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with file:
            return BytesIO(decode(file.read(), str(path)).encode())
    return file


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CertaintyError(f"{where}: not UTF-8 ({error}). Save the file as UTF-8.") from error
