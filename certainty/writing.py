"""Whole files: each is written beside its place and renamed, so that a reader finds the old one or the new one."""

from __future__ import annotations

import io
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from certainty.errors import CertaintyError

_KEPT = 60  # characters of the name that a draft keeps, far from the longest name that a file may have


def check_output(path: str | Path, inputs: Iterable[str | Path] = ()) -> Path:
    """Check an output file before long work, and return it with its links followed.

    Args:
        path: The file to be written.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: it is a directory or one of the inputs, its folder is missing, or it may not be replaced.
    """
    target = Path(os.path.realpath(path))  # a link stays a link
    if target.is_dir():
        raise CertaintyError(f"{path}: is a directory; give a file in it.")
    if target in {Path(os.path.realpath(name)) for name in inputs}:
        raise CertaintyError(f"{path}: is one of the inputs; give another file for the output.")
    if is_regular(Path(path)):
        if not target.parent.is_dir():
            raise CertaintyError(f"{path}: there is no folder {Path(path).parent}; make it, or give another file.")
        if target.exists() and not os.access(target, os.W_OK):
            raise CertaintyError(f"{path}: is read-only; change its permissions, or give another file.")
    return target


@contextmanager
def draft(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[Path]:
    """Yield the name of a file to write, which becomes `path` only if all goes well; permissions are kept.

    For libraries that write to a name themselves. What is no regular file, such as a pipe, is yielded as it is.

    Args:
        path: The file.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: see `check_output`, or the system refuses to write.
    """
    with _draft(path, inputs) as beside, _named(path):
        yield beside


@contextmanager
def whole_file(path: str | Path, inputs: Iterable[str | Path] = ()) -> Iterator[TextIO]:
    """Yield a stream of UTF-8 whose text becomes the file only if all goes well.

    Line ends stay as they are written; a lone surrogate, which UTF-8 cannot hold, is written as its escape.

    Args:
        path: The file.
        inputs: Files that it must not replace.

    Raises:
        CertaintyError: see `draft`.
    """
    with _draft(path, inputs) as beside:
        raw = _File(beside, path)
        with io.TextIOWrapper(io.BufferedWriter(raw), "utf-8", errors="backslashreplace", newline="") as out:
            yield out


def write_whole(path: str | Path, content: str | bytes, inputs: Iterable[str | Path] = ()) -> None:
    """Write a file whole or not at all; see `whole_file`.

    Raises:
        CertaintyError: see `draft`.
    """
    if isinstance(content, str):
        with whole_file(path, inputs) as out:
            out.write(content)
        return
    with draft(path, inputs) as beside:
        beside.write_bytes(content)


def make_folder(folder: str | Path) -> Path:
    """Make a folder and those above it, where they are missing, and return it.

    Raises:
        CertaintyError: it is a file, or cannot be made.
    """
    if Path(folder).is_file():
        raise CertaintyError(f"{folder}: is a file; give a folder.")
    with _named(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


class _File(io.FileIO):
    """A file whose own failures, and no others that happen while it is open, are the user's mistakes."""

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
    except BrokenPipeError:  # its reader has all it wants
        raise
    except OSError as error:
        raise CertaintyError(
            f"{path}: cannot be written ({error.strerror or error}); give another place, or mend this one."
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
    """Whether it is, or will be, a file that can be replaced; a device or a pipe cannot."""
    return path.is_file() or not path.exists()
