"""Compressed files: which there are, by their ending, how they are read, and what is wrong with damaged ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from certainty.errors import CertaintyError
from certainty.extras import needs

Decompressor = Callable[[BinaryIO], Any]

LARGEST = 300_000_000
"""Most bytes of a text, after decompression; a bomb is not unpacked further."""


def uncompressed_name(name: str) -> str:
    """Return the name of a file without the endings of compressions."""
    while decompressor(name):
        name = os.path.splitext(name)[0]
    return name


def decompressor(name: str) -> Decompressor | None:
    """Return what decompresses a file while it is read, by its ending; None if it is not compressed."""
    return DECOMPRESSORS.get(os.path.splitext(name)[1].lower())


@contextmanager
def refusing_damage(name: str) -> Iterator[None]:
    """Turn what is raised while a damaged file is decompressed into a `CertaintyError` that names it."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, lzma.LZMAError, _zstd_error()) as error:
        raise damaged(name, error) from error
    except OSError as error:
        if not is_damage(error):
            raise
        raise damaged(name, error) from error


def is_damage(error: Exception) -> bool:
    """Return whether an error is due to the content: bz2 and pyarrow raise an `OSError` without a number for that."""
    return not isinstance(error, OSError) or (type(error) is OSError and error.errno is None)


class UntilDamage(io.RawIOBase):
    """A file that is decompressed while it is read: what stands before a damage is read before its error is raised.

    Args:
        source: The decompressed file.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._error: Exception | None = None

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer, as far as there is something."""
        if self._error is not None:
            raise self._error
        view, filled = memoryview(buffer).cast("B"), 0
        while filled < len(view):
            try:
                piece = self._source.read1(len(view) - filled)
            except Exception as error:
                if not filled:
                    raise
                self._error = error
                break
            if not piece:
                break
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled


def unpacked(stored: BinaryIO, name: str) -> bytes:
    """Return the content of a compressed file.

    Raises:
        CertaintyError: If it is damaged, or has over 300 MB.
        MissingExtraError: If the library that decompresses it is not installed.
    """
    decompress = decompressor(name)
    assert decompress, name
    with refusing_damage(name):
        data: bytes = decompress(stored).read(LARGEST + 1)
    if len(data) > LARGEST:
        raise CertaintyError(
            f"{name}: unpacks to over {LARGEST / 1e6:,.0f} MB, more than is allowed; divide what is in it."
        )
    return data


def damaged(name: str, error: Exception) -> CertaintyError:
    """Return the error of a damaged file."""
    if "too much memory" in str(error):  # zstd tells it by nothing else
        return CertaintyError(f"{name}: unpacking it would take too much memory ({error}); pack it without `--long`.")
    return CertaintyError(f"{name}: the compressed file is damaged ({error}); get it again.")


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd
    needs("backports.zstd", extra="archive", user="a file compressed with zstd")
    from backports import zstd

    return zstd


def _zstd_error() -> type[Exception]:
    try:
        return cast("type[Exception]", _zstd().ZstdError)
    except CertaintyError:
        return EOFError  # without the library, no such file was opened


DECOMPRESSORS: dict[str, Decompressor] = {
    ".gz": lambda stored: gzip.GzipFile(fileobj=stored),
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
    ".zst": lambda stored: _zstd().ZstdFile(stored),
}
"""For each ending, what decompresses a file while it is read."""
