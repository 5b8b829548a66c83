"""What an encoder is built on, as its folder records it: handed on to each encoder and model that is made from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.writing import write_whole

ORIGIN_FILE = "origin.json"
MEMBERS = ("name", "paper", "license", "role")
"""What is known of each model that an encoder is built on."""


def read_origin(folder: str | Path) -> dict[str, Any] | None:
    """Return the origin of the encoder or model in a folder, or None if it is not recorded.

    Returns:
        `sources`, a list of models with the members `MEMBERS`, the most direct first, and `files`, the
        digests of the files that were read, by their names; often empty.

    Raises:
        CertaintyError: If the file has another content.
    """
    path = Path(folder) / ORIGIN_FILE
    if not path.is_file():
        return None
    try:
        origin = json.loads(path.read_text(encoding="utf-8"))
        sources = [{member: str(source[member]) for member in MEMBERS} for source in origin["sources"]]
        files = {str(name): str(digest) for name, digest in origin.get("files", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        members = ", ".join(MEMBERS)
        raise CertaintyError(
            f"{path}: not the record of what an encoder is built on, which has `sources` with {members} "
            f"({type(error).__name__}: {error}). Move the file elsewhere."
        ) from error
    return {"sources": sources, "files": files}


def inherit_origin(start: str | Path | None, folder: Path) -> dict[str, Any] | None:
    """Write the origin of the encoder or model that a run started from, if any, to the new folder, and return it.

    Raises:
        CertaintyError: See `read_origin`.
    """
    origin = read_origin(start) if start else None
    if origin:
        write_whole(folder / ORIGIN_FILE, json.dumps(origin, indent=1, ensure_ascii=False) + "\n")
    return origin
