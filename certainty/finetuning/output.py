"""Create the output folder of a finished model atomically."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certainty.errors import CertaintyError
from certainty.messages import argument
from certainty.model_folder import SETTINGS_FILE

__all__ = ["check_output", "clear_drafts", "named_write_errors", "new_folder"]

# No space, over quota, file too large, input/output error, read-only file system.
_NOT_WRITABLE = {getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS") if hasattr(errno, name)}
# In the messages of torch and of the Rust libraries, which do not raise OSError.
_NOT_WRITTEN = re.compile(
    rf"PytorchStreamWriter|unexpected pos|ios(_base)?::clear|\(os error ({'|'.join(map(str, _NOT_WRITABLE))})\)"
)


def check_output(output: Path, overwrite: bool) -> None:
    """Check, before any long work, that the model can be written to `output`.

    Creates the parent folder if it is missing.

    Raises:
        CertaintyError: If `output` is a file, contains a model and `overwrite` is false, or contains other files; if
            its parent cannot be created; or if its path is not valid Unicode.
    """
    try:
        str(output.resolve()).encode()
    except UnicodeEncodeError as error:  # the libraries that write the files need UTF-8
        raise CertaintyError(
            f"{str(output)!r}: the path is not valid Unicode in this locale; set PYTHONUTF8=1, or give another folder."
        ) from error
    if output.is_dir() and any(output.iterdir()):
        if not (output / SETTINGS_FILE).is_file():
            raise CertaintyError(f"{output}: contains files but no model; give another folder for the output.")
        if not overwrite:
            raise CertaintyError(
                f"{output}: already contains a model. Give another folder, or {argument('overwrite', True)} to replace "
                "it."
            )
    elif output.exists() and not output.is_dir():
        raise CertaintyError(f"{output}: is a file; give a folder for the output.")
    parent = output.resolve().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CertaintyError(f"{output}: cannot be created ({error.strerror}); give another folder.") from error
    if not os.access(parent, os.W_OK | os.X_OK):
        raise CertaintyError(f"{output}: cannot be created (no right to write to {parent}); give another folder.")


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Yield an empty draft folder next to `output` and rename it to `output` on success.

    An existing model is replaced only then; if the rename fails, the old model is put back. On an error the draft is
    deleted.

    Raises:
        CertaintyError: If the draft folder cannot be created.
    """
    target = output.resolve()
    key = secrets.token_hex(4)
    draft, old = (target.with_name(f".{target.name}.{key}.{ending}") for ending in ("new", "old"))
    try:
        draft.mkdir()
    except OSError as error:
        raise CertaintyError(f"{draft}: cannot be created ({error.strerror}); give another output.") from error
    try:
        yield draft
        if target.exists():
            target.rename(old)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def clear_drafts(output: Path) -> None:
    """Delete the drafts of `output` that killed runs left, and put back a model that one was about to replace.

    Only call this if no other run is writing to `output`.
    """
    target = output.resolve()
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]+\.(new|old)")
    left = [path for path in target.parent.iterdir() if name.fullmatch(path.name)]
    for path in left:
        if path.suffix == ".old" and not target.exists():
            path.rename(target)
    for path in left:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def named_write_errors(output: Path) -> Iterator[None]:
    """Turn any exception for a file that cannot be written, such as on a full disk, into a `CertaintyError`."""
    try:
        yield
    except CertaintyError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) not in _NOT_WRITABLE and not _NOT_WRITTEN.search(str(error)):
            raise
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise CertaintyError(
            f"{output}: the checkpoints or the model cannot be written ({reason}); free some space, or give another "
            "folder."
        ) from error
