"""Read raw text for pretraining from .txt and .txt.xz files, one paragraph at a time."""

from __future__ import annotations

import lzma
from collections.abc import Iterable, Iterator
from pathlib import Path

from certainty import CertaintyError


def text_files(paths: Iterable[str | Path]) -> list[Path]:
    """Return the files, with each folder replaced by its .txt and .txt.xz files in alphabetical order.

    Raises:
        CertaintyError: If a path does not exist, or there are no files.
    """
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files.extend(sorted(p for p in path.iterdir() if p.name.endswith((".txt", ".txt.xz"))))
        elif path.exists():
            files.append(path)
        else:
            raise CertaintyError(f"{path}: no such file or directory.")
    if not files:
        raise CertaintyError("No .txt or .txt.xz file among the given paths.")
    return files


def read_paragraphs(path: Path) -> Iterator[str]:
    """Yield the non-empty lines of a text file, each of which is a paragraph."""
    opener = lzma.open if path.suffix == ".xz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            paragraph = line.strip()
            if paragraph:
                yield paragraph
