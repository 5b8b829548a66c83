"""The digest of a file."""

from __future__ import annotations

import hashlib
from mmap import ACCESS_READ, mmap
from pathlib import Path


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal, as `sha256sum` shows it.

    It is one call that runs without Python's lock, so that other threads, which may hold it long, do not delay it.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:  # what is empty cannot be mapped
            return hashlib.sha256().hexdigest()
        with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            return hashlib.sha256(content).hexdigest()
