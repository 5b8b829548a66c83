"""The files of pages: their names, and a folder that is filled only if all goes well."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from certainty.commands.output import STDIN
from certainty.errors import CertaintyError

_LONGEST_STEM = 80
# Windows opens its devices under these names.
RESERVED_STEMS = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@contextmanager
def filled_at_the_end(folder: Path, names: list[str]) -> Iterator[Path]:
    """Yield a draft folder whose files move into the folder only if all goes well.

    Raises:
        CertaintyError: If a file would replace an input or a file that is no page of ours, or cannot be written; or the
            folder that is to hold this one is missing.
    """
    if not folder.parent.is_dir():
        raise CertaintyError(f"{folder}: there is no folder {folder.parent}; make it, or give another with -o.")
    inputs = {Path(name).resolve() for name in names if name != STDIN}
    try:
        made = tempfile.TemporaryDirectory(prefix=".certainty-", dir=folder if folder.is_dir() else folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from error
    with made as draft:
        yield Path(draft)
        pages = sorted(Path(draft).iterdir())
        for page in pages:
            if (folder / page.name).resolve() in inputs:
                raise CertaintyError(f"{folder / page.name}: is one of the inputs; give another folder with -o.")
            check_replaceable(folder / page.name)
        try:
            folder.mkdir(exist_ok=True)
            for page in pages:
                page.replace(folder / page.name)
        except OSError as error:
            raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> CertaintyError:
    return CertaintyError(f"{folder}: cannot be written ({error.strerror}); give another folder with -o.")


def check_replaceable(page: Path) -> None:
    """Keep a file that certainty did not write, where the user did not name the output.

    Raises:
        CertaintyError: If there is such a file.
    """
    from certainty.views.html import GENERATOR

    if not page.exists():
        return
    if page.is_file():
        with page.open("rb") as file:
            if GENERATOR.encode() in file.read(4096):
                return
    raise CertaintyError(f"{page}: exists already and was not written by certainty; give another name with -o.")


def unique_stem(name: str, taken: set[str]) -> str:
    """Return a file name that every system and every address can hold, and remember it."""
    plain = unicodedata.normalize("NFKD", Path(name).stem).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-.")[:_LONGEST_STEM].rstrip("-.") or "text"
    unique, n = stem, 1
    while unique.lower() in taken:  # Windows and macOS ignore case
        n += 1
        unique = f"{stem}-{n}"
    taken.add(unique.lower())
    return unique
