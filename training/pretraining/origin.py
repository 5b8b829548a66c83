"""What an encoder that was not made from nothing is built on, told in its folder and in its card."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ORIGIN_FILE = "origin.json"


@dataclass(frozen=True)
class Source:
    """A model that an encoder is built on.

    Attributes:
        name: As its makers call it.
        paper: Authors, year and arXiv number.
        license: SPDX identifier.
        role: What it gave.
    """

    name: str
    paper: str
    license: str
    role: str


MULTILINGUAL_E5 = (
    Source(
        "intfloat/multilingual-e5-small",
        "Wang et al. 2024, arXiv:2402.05672",
        "MIT",
        "all weights, from a copy in 4 bits a weight; the pieces of the vocabulary",
    ),
    Source(
        "microsoft/Multilingual-MiniLM-L12-H384",
        "Wang et al. 2020, arXiv:2002.10957",
        "MIT",
        "what multilingual-e5-small was trained on from",
    ),
    Source(
        "xlm-roberta-base (XLM-R)",
        "Conneau et al. 2020, arXiv:1911.02116",
        "MIT",
        "the teacher of MiniLM, and its vocabulary",
    ),
)


def write_origin(folder: Path, sources: tuple[Source, ...], files: dict[str, str]) -> None:
    """Write `origin.json` into an encoder's folder.

    Args:
        folder: The folder.
        sources: What it is built on, the nearest first.
        files: For each file that was read, as `package version: member`, its SHA-256.
    """
    content = {"sources": [asdict(source) for source in sources], "files": files}
    (folder / ORIGIN_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def inherited_origin(encoder: str | None, folder: Path) -> dict[str, Any] | None:
    """Carry the origin of the encoder that a run went on from into the new folder, and return it; None without one."""
    if not encoder or not (Path(encoder) / ORIGIN_FILE).is_file():
        return None
    shutil.copy(Path(encoder) / ORIGIN_FILE, folder / ORIGIN_FILE)
    origin: dict[str, Any] = json.loads((folder / ORIGIN_FILE).read_text(encoding="utf-8"))
    return origin
