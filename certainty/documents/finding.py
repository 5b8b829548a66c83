"""Find the files that names, patterns and folders stand for."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from certainty.documents.kinds import ENDINGS, is_readable
from certainty.errors import CertaintyError

logger = logging.getLogger(__name__)

_LOCKED = "~$"  # prefix of the lock files of Word
_SHOWN = 5  # files left out that a warning names


def find_files(names: Sequence[str], recursive: bool = False, leave_out: Iterable[Path] = ()) -> list[str]:
    """Return the files that names stand for; those of a pattern or a folder are sorted by name.

    Args:
        names: Files and patterns (`*`, `?`, `[…]`, and `**` for all folders below); other names stay as they are.
        recursive: Also accept folders, for the files in them and their subfolders whose ending is one of `ENDINGS`.
            A warning is logged for the other files, and for pipes and devices, also of patterns. Hidden files and
            folders and lock files of Word are skipped; links to folders are not followed.
        leave_out: Files and folders to leave out of the results of patterns and folders.

    Raises:
        CertaintyError: If a pattern or a folder matches no file.
    """
    out = [Path(os.path.realpath(path)) for path in leave_out]

    def is_left_out(path: str) -> bool:
        real = Path(os.path.realpath(path))
        return any(real == one or one in real.parents for one in out)

    found: list[str] = []
    for name in names:
        if recursive and os.path.isdir(name):
            every = only_files(name, sorted(path for path in _below(name) if not is_left_out(path)))
            below = [path for path in every if is_readable(path)]
            if not below:
                raise CertaintyError(
                    f"{name}: contains no file that can be read; readable files end in {', '.join(ENDINGS)}."
                )
            others = [path for path in every if not is_readable(path)]
            _tell_left_out(name, others, "the ending stands for no kind of text")
            found += below
        elif glob.has_magic(name) and not os.path.lexists(name):
            matched = only_files(name, sorted(path for path in _matching(name) if not is_left_out(path)))
            if not matched:
                raise CertaintyError(f"{name}: matches no file; check the pattern and the folder.")
            found += find_files(matched, True, out) if recursive else [p for p in matched if not os.path.isdir(p)]
        else:
            found.append(name)
    return list(dict.fromkeys(found)) if recursive else found


def only_files(given: str, paths: Iterable[str]) -> list[str]:
    """Leave out pipes, sockets and devices, of which reading may never end, and warn of them.

    Args:
        given: The folder or the pattern that the paths were found for.
        paths: Paths of this machine; folders, and links to nothing, which give an error of their own, are kept.
    """
    kept: list[str] = []
    special: list[str] = []
    for path in paths:
        is_special = os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))
        (special if is_special else kept).append(path)
    _tell_left_out(given, special, "only regular files are")
    return kept


def _matching(pattern: str) -> Iterable[str]:
    """Return the paths that match a pattern; `**` follows no links to folders, which may lead in circles."""
    path = Path(pattern)
    if "**" not in path.parts:
        return glob.glob(pattern)
    base = Path(path.anchor)
    first = next(i for i, part in enumerate(path.parts) if glob.has_magic(part))
    base = Path(*path.parts[:first])
    found = base.glob(str(Path(*path.parts[first:])))
    return [str(one) for one in found if not any(part.startswith(".") for part in one.relative_to(base).parts)]


def _below(folder: str) -> Iterator[str]:
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith((".", _LOCKED)):
                yield os.path.join(path, name)


def _tell_left_out(given: str, paths: Sequence[str], reason: str) -> None:
    if not paths:
        return
    named = ", ".join(os.path.relpath(path, given) if os.path.isdir(given) else path for path in paths[:_SHOWN])
    logger.warning(
        "%s: %d %s not read, as %s: %s%s.",
        *(given, len(paths), "file is" if len(paths) == 1 else "files are", reason, named),
        ", …" if len(paths) > _SHOWN else "",
    )
