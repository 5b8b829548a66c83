"""What several targets make of their input: files in a temporary folder, archives."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

_kept: list[object] = []


@cache
def folder() -> Path:
    """Return a folder that is deleted when the process ends."""
    made = TemporaryDirectory(prefix="certainty-fuzz-")
    _kept.append(made)
    return Path(made.name)


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()
