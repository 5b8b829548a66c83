"""Write files atomically: to a temporary file in the same folder, which then replaces the target."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from certainty.errors import CertaintyError

_KEPT = 60  # characters of the name used in that of the temporary file, to stay below the limit for file names


def check_output(path: str | Path, inputs: Iterable[str | Path] = ()) -> Path:
    """Check that an output file can be written, before long work, and return its path with links resolved.

    Args:
        path: The output file.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: If the path is a directory or one of the inputs, its folder does not exist, or it is read-only.
    """
    target = Path(os.path.realpath(path))  # a link is kept, and its target replaced
    if target.is_dir():
        raise CertaintyError(f"{path}: is a directory; give a file in it.")
    if target in {Path(os.path.realpath(name)) for name in inputs}:
        raise CertaintyError(f"{path}: is one of the inputs; give another file for the output.")
    if is_regular(Path(path)):
        if not target.parent.is_dir():
            raise CertaintyError(f"{path}: there is no folder {Path(path).parent}; create it, or give another file.")
        if target.exists() and not os.access(target, os.W_OK):
            raise CertaintyError(f"{path}: is read-only; change its permissions, or give another file.")
    return target


@contextmanager
def draft(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[Path]:
    """Yield the path of a temporary file to write, which replaces `path` if no error occurs.

    Use this with libraries that open files themselves. The permissions of an existing file are kept. If `path` is not a
    regular file (for example, a pipe), it is yielded itself.

    Args:
        path: The output file.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: As for `check_output`, or if the system refuses to write.
    """
    with _draft(path, inputs) as beside, _named(path):
        yield beside


@contextmanager
def whole_file(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[TextIO]:
    """Yield a UTF-8 text stream whose content replaces `path` if no error occurs.

    Line ends are written unchanged. A lone surrogate, which UTF-8 cannot encode, is written as a backslash escape.

    Args:
        path: The output file.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: As for `draft`.
    """
    with (
        whole_binary_file(path, inputs) as raw,
        io.TextIOWrapper(raw, "utf-8", errors="backslashreplace", newline="") as out,
    ):
        yield out


@contextmanager
def whole_binary_file(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[BinaryIO]:
    """Yield a binary stream whose content replaces `path` if no error occurs.

    Only errors of the stream are reported as errors of `path`, so that other files can be read meanwhile.

    Args:
        path: The output file.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: As for `draft`.
    """
    with _draft(path, inputs) as beside, io.BufferedWriter(_File(beside, path)) as out:
        yield cast(BinaryIO, out)


def write_whole(path: str | Path, content: str | bytes, inputs: Iterable[str | Path] = ()) -> None:
    """Write a file completely or not at all; see `whole_file`.

    Raises:
        CertaintyError: As for `draft`.
    """
    if isinstance(content, str):
        with whole_file(path, inputs) as out:
            out.write(content)
        return
    with draft(path, inputs) as beside:
        beside.write_bytes(content)


def sync_folder(folder: Path) -> None:
    """Wait until the names of the files in a folder are on the disk, so that they survive a power failure.

    Raises:
        CertaintyError: If the system refuses.
    """
    if os.name != "posix":
        return  # elsewhere, a folder cannot be opened
    with _named(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(folder: str | Path) -> Path:
    """Create a folder and its parents if they do not exist, and return its path.

    Raises:
        CertaintyError: If the path is a file, or the folder cannot be created.
    """
    if Path(folder).is_file():
        raise CertaintyError(f"{folder}: is a file; give a folder.")
    with _named(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


class _File(io.FileIO):
    """A file that raises `CertaintyError` if it cannot be opened or written, but not for any other error."""

    def __init__(self, file: Path, path: str | Path) -> None:
        self._path = path
        with _named(path):
            super().__init__(file, "w")

    def write(self, data: Any, /) -> int:
        with _named(self._path):
            return super().write(data)


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # the reader has stopped reading
        raise
    except OSError as error:
        raise CertaintyError(
            f"{path}: cannot be written ({error.strerror or error}); fix this, or give another path."
        ) from error


@contextmanager
def _draft(path: str | Path, inputs: Iterable[str | Path]) -> Iterator[Path]:
    target = check_output(path, inputs)
    if not is_regular(Path(path)):
        yield Path(path)
        return
    beside = target.with_name(f".{target.name[:_KEPT]}.{secrets.token_hex(4)}.tmp")
    try:
        yield beside
        with _named(path):
            with beside.open("rb+") as written:
                os.fsync(written.fileno())  # a rename may reach the disk before the content does
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def is_regular(path: Path) -> bool:
    """Return whether the path is a regular file or does not exist, so that it can be replaced (unlike a pipe)."""
    return path.is_file() or not path.exists()
