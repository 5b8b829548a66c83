"""Find the files of an archive with fsspec, in a fixed order, and open them, decompressed."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from certainty.archive.remote import looked_up, open_remote, options_of
from certainty.documents.compression import (
    DECOMPRESSORS,
    Decompressor,
    UntilDamage,
    decompressor,
    refusing_damage,
    uncompressed_name,
)
from certainty.documents.finding import only_files
from certainty.documents.kinds import ENDINGS, is_readable
from certainty.errors import CertaintyError, MissingExtraError
from certainty.extras import needs

logger = logging.getLogger(__name__)

_BLOCK = 1 << 20  # bytes read ahead, which also decide the encoding of a CSV
_EXTRAS = {"s3": "s3", "s3a": "s3", "http": "http", "https": "http"}


@dataclass(frozen=True)
class InputFile:
    """A file of an archive.

    Attributes:
        name: Its name in the rows: a path like the one that was given, or a URL.
        size: Its size in bytes, as it is stored; None if that is not known.
        filesystem: The fsspec file system that opens it.
        path: Its path in that file system.
        error: Why it was not found; None if it was. Its name is then that of the input, which may stand for many files.
    """

    name: str
    size: int | None
    filesystem: Any
    path: str
    error: str | None = None

    @property
    def uncompressed_name(self) -> str:
        """The name without the endings of compressions."""
        return uncompressed_name(self.name)


class OpenedFile:
    """A file that is being read.

    Attributes:
        content: Its content, decompressed.
    """

    def __init__(self, stored: BinaryIO, decompress: Decompressor | None) -> None:
        self._stored = stored
        self.is_seekable = decompress is None and stored.seekable()
        source = UntilDamage(decompress(stored)) if decompress else cast(Any, stored)
        self.content = io.BufferedReader(source, _BLOCK)
        self._first_content = self.content  # if `content` is replaced: collecting the reader would close the file

    @property
    def position(self) -> int:
        """How many bytes have been read of the file as it is stored, including what was read ahead."""
        return self._stored.tell()


def find_inputs(
    given: Sequence[str],
    leave_out: Path | None = None,
    strict: bool = False,
    failed: Mapping[str, str] | None = None,
) -> list[InputFile]:
    """Return the files that paths, URLs, folders and patterns stand for; each file once.

    Those of a folder or a pattern are sorted by name. In a folder and those below it, files count whose ending is one
    of `certainty.documents.kinds.ENDINGS`, alone or before that of a compression; hidden ones are skipped, and pipes
    and devices, unless they are named. What stands for no file that can be read is a file with an `error`, and a
    warning is logged.

    Args:
        given: Paths, URLs that fsspec knows, folders, and patterns (`*`, `?`, `[…]`, and `**` for all folders below).
        leave_out: A local folder that is left out.
        strict: Raise the first such error.
        failed: The errors of inputs that are not looked for again.

    Raises:
        CertaintyError: If none of them stands for a file that can be read, or one does not and `strict` is true.
        OSError: If a file system cannot be reached.
        MissingExtraError: If a library that a URL needs is not installed.
    """
    needs("fsspec", "tenacity", extra="archive", user="certainty archive")
    files: dict[tuple[str, str], InputFile] = {}
    left_out = None if leave_out is None else os.path.realpath(leave_out)
    for name in given:
        error = (failed or {}).get(name)
        try:
            found = list(_found(name, left_out)) if error is None else [_missing(name, error)]
        except CertaintyError as refused:
            if strict or isinstance(refused, ImportError):
                raise
            found = [_missing(name, str(refused))]
        for file in found:
            files.setdefault((type(file.filesystem).__name__, file.path), file)
    errors = [file.error for file in files.values() if file.error is not None]
    if errors and len(errors) == len(files):
        raise CertaintyError(
            errors[0] if len(errors) == 1 else f"none of the {len(errors)} inputs can be read. The first: {errors[0]}"
        )
    for error in errors:
        logger.warning("%s The others are scored.", error)
    return list(files.values())


def _missing(name: str, error: str) -> InputFile:
    return InputFile(name, None, None, name, error)


@contextmanager
def opened(file: InputFile) -> Iterator[OpenedFile]:
    """Open a file, decompressed according to its ending.

    Raises:
        CertaintyError: If it was not found, may not be read, or is damaged.
        OSError: For what another attempt may not meet, such as a connection that stays broken, or a file that was found
            and has vanished with its share.
    """
    if file.error is not None:
        raise CertaintyError(file.error)
    try:
        decompress = decompressor(file.name)
        with _stored(file) as stored, refusing_damage(file.name) if decompress else nullcontext():
            yield OpenedFile(stored, decompress)
    except FileNotFoundError as error:
        if not (file.size == 0 and os.path.islink(file.path)):
            raise
        raise CertaintyError(f"{file.name}: is a link to a file that does not exist; mend or delete it.") from error
    except IsADirectoryError as error:
        raise CertaintyError(f"{file.name}: is a directory; give the files in it.") from error
    except PermissionError as error:
        raise CertaintyError(f"{file.name}: cannot be read ({error.strerror}); check its permissions.") from error


def _stored(file: InputFile) -> BinaryIO:
    if _is_local(file.filesystem):
        return cast(BinaryIO, file.filesystem.open(file.path, "rb"))
    return open_remote(file.filesystem, file.path, file.name)


def _found(name: str, left_out: str | None) -> Iterator[InputFile]:
    filesystem, path = _resolved(name)
    is_local = _is_local(filesystem)
    is_pattern = any(mark in name for mark in "*?[") and not os.path.lexists(name) if is_local else "*" in name
    if is_pattern:
        matched = _kept(name, looked_up(name, filesystem.glob, path, detail=True), is_local)
    else:
        matched = {path: looked_up(name, filesystem.info, path)}
    files: dict[str, Mapping[str, Any]] = {}
    for one, info in matched.items():
        if info["type"] == "directory":
            below = looked_up(name, filesystem.find, one, detail=True)
            visible = {path: info for path, info in below.items() if not _is_hidden(path, one)}
            shown = _kept(name, visible, is_local)
            files |= {path: info for path, info in shown.items() if is_readable(path)}
            if others := len(shown.keys() - files.keys()):
                count = "1 file is" if others == 1 else f"{others} files are"
                logger.warning("%s: %s not read, as the ending stands for no kind of text.", name, count)
        else:
            files[one] = info
    named = [
        InputFile(_shown(name, found, filesystem, is_local), info.get("size"), filesystem, found)
        for found, info in sorted(files.items())
        if not (is_local and left_out and _is_below(found, left_out))
    ]
    if not named:
        endings = ", ".join(ENDINGS)
        raise CertaintyError(
            f"{name}: contains no file that can be read; readable files end in {endings}, and may be compressed "
            f"({', '.join(DECOMPRESSORS)})."
            if matched
            else f"{name}: matches no file; check the pattern and the folder."
        )
    yield from named


def _kept(name: str, found: Mapping[str, Any], is_local: bool) -> Mapping[str, Any]:
    """Return what was found for a pattern or a folder, without pipes and devices; see `only_files`."""
    return {path: found[path] for path in only_files(name, found)} if is_local else found


def _resolved(name: str) -> tuple[Any, str]:
    import fsspec

    if os.path.lexists(name):  # whatever its name looks like: a::b.txt, file:x.txt, ~x.txt
        return fsspec.filesystem("file"), Path(os.path.abspath(name)).as_posix()
    try:
        filesystem, path = fsspec.core.url_to_fs(name, **options_of(name))
    except ImportError as error:
        if extra := _EXTRAS.get(name.partition(":")[0]):
            needs("s3fs" if extra == "s3" else "aiohttp", extra=extra, user=name)
        raise MissingExtraError(f"{name}: {str(error).rstrip('.')}.") from error
    except ValueError as error:
        raise CertaintyError(f"{name}: cannot be opened ({error}); give a path, or a URL that fsspec knows.") from error
    return filesystem, path


def _is_local(filesystem: Any) -> bool:
    from fsspec.implementations.local import LocalFileSystem

    return isinstance(filesystem, LocalFileSystem)


def _is_hidden(path: str, folder: str) -> bool:
    return any(part.startswith((".", "~$")) for part in PurePosixPath(path[len(folder) :].lstrip("/")).parts)


def _is_below(path: str, folder: str) -> bool:
    real = os.path.realpath(path)
    return real == folder or real.startswith(folder + os.sep)


def _shown(given: str, path: str, filesystem: Any, is_local: bool) -> str:
    """Return the name of a file in the rows: relative, absolute or a URL, as it was given."""
    if not is_local:
        return str(filesystem.unstrip_protocol(path))
    local = given.removeprefix("file://").removeprefix("local://")
    return path if os.path.isabs(local) else Path(os.path.relpath(path)).as_posix()
