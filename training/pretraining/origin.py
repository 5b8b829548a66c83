"""Record which models an encoder is built on, in its folder and its card."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from certainty.finetuning.origin import ORIGIN_FILE


@dataclass(frozen=True)
class Source:
    """A model that an encoder is built on.

    Attributes:
        name: Name given by its authors.
        paper: Authors, year and arXiv number.
        license: SPDX identifier.
        role: What it contributed.
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
    """Write `origin.json` to the folder of an encoder.

    Args:
        folder: The folder.
        sources: The models that the encoder is built on, the most direct first.
        files: SHA-256 of each file that was read, by `package version: member`.
    """
    content = {"sources": [asdict(source) for source in sources], "files": files}
    (folder / ORIGIN_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
