"""Which files are meant: by their names, by patterns, by the folders that they are in."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from certainty.documents.kinds import ENDINGS
from certainty.errors import CertaintyError

_LOCKED = "~$"  # begins the files by which Word marks another one as opened


def find_files(names: Sequence[str], recursive: bool = False, leave_out: Iterable[Path] = ()) -> list[str]:
    """Return the files that are meant; those of a pattern or a folder are sorted by name.

    Args:
        names: Files and patterns (`*`, `?`, `[…]`, and `**` for all folders below); other names stay as they are.
        recursive: Also folders, for the files in them and below whose ending is one of `ENDINGS`. Hidden files and
            folders, and those of lock files of Word, are passed over; links to folders are not followed.
        leave_out: Files, and folders with what is in them, that neither a pattern nor a folder stands for.

    Raises:
        CertaintyError: If a pattern or a folder stands for no file.
    """
    out = [Path(os.path.realpath(path)) for path in leave_out]

    def is_left_out(path: str) -> bool:
        real = Path(os.path.realpath(path))
        return any(real == one or one in real.parents for one in out)

    found: list[str] = []
    for name in names:
        if recursive and os.path.isdir(name):
            below = sorted(path for path in _below(name) if not is_left_out(path))
            if not below:
                raise CertaintyError(f"{name}: holds no file that can be read; such end in {', '.join(ENDINGS)}.")
            found += below
        elif glob.has_magic(name) and not os.path.lexists(name):
            matched = sorted(path for path in glob.glob(name, recursive=True) if not is_left_out(path))
            if not matched:
                raise CertaintyError(f"{name}: no file has such a name; check the pattern and the folder.")
            found += find_files(matched, True, out) if recursive else [p for p in matched if not os.path.isdir(p)]
        else:
            found.append(name)
    return list(dict.fromkeys(found)) if recursive else found


def _below(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in ENDINGS and not name.startswith((".", _LOCKED)):
                yield os.path.join(path, name)
