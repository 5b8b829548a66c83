"""What an encoder is built on, as its folder records it: handed on to each encoder and model that is made from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

ORIGIN_FILE = "origin.json"
"""`sources`, a list of models with `name`, `paper`, `license` and `role`, the most direct first; perhaps `files`."""


def read_origin(folder: str | Path) -> dict[str, Any] | None:
    """Return the origin of the encoder or model in a folder, or None if it is not recorded."""
    path = Path(folder) / ORIGIN_FILE
    if not path.is_file():
        return None
    origin: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return origin


def inherit_origin(start: str | Path | None, folder: Path) -> dict[str, Any] | None:
    """Copy the origin of the encoder or model that a run started from, if any, to the new folder, and return it."""
    if start and (Path(start) / ORIGIN_FILE).is_file():
        shutil.copy(Path(start) / ORIGIN_FILE, folder / ORIGIN_FILE)
    return read_origin(folder)
