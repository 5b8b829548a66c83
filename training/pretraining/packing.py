"""Encode text once into flat 16-bit token arrays, and cut these into rows of a fixed length on demand."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from certainty.writing import write_whole
from training.data.text import read_paragraphs
from training.pretraining.deduplication import Deduplicator

logger = logging.getLogger(__name__)

BOS, EOS = 0, 2
TOKEN_COUNTS = "tokens/tokens.json"  # path in the folder of a run


def encode_files(
    files: Iterable[Path], tokenizer: Tokenizer, folder: Path, deduplicate: bool = True
) -> list[NDArray[np.uint16]]:
    """Encode each file to `<folder>/<name>.npy`, of shape (tokens,), with `</s>` after each paragraph.

    The arrays are opened as memory maps. They are only written if they do not exist yet, or if the tokenizer or the
    list of files has changed.
    """
    files = list(files)
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(tokenizer.to_str().encode())
    for file in files:
        digest.update(f"{file.name} {file.stat().st_size}".encode())
    stamp = folder / "tokens.json"
    if not stamp.exists() or json.loads(stamp.read_text())["digest"] != digest.hexdigest():
        unseen = Deduplicator()
        counts = {}
        for file in files:
            parts: list[NDArray[np.uint16]] = []
            paragraphs = unseen(read_paragraphs(file)) if deduplicate else read_paragraphs(file)
            while block := list(islice(paragraphs, 4096)):
                for encoding in tokenizer.encode_batch_fast(block, add_special_tokens=False):
                    parts.append(np.array([*encoding.ids, EOS], dtype=np.uint16))
            tokens = np.concatenate(parts)
            np.save(folder / f"{file.name}.npy", tokens)
            counts[file.name] = {"paragraphs": len(parts), "tokens": len(tokens)}
            logger.info("%s: %d paragraphs, %d tokens", file.name, len(parts), len(tokens))
        write_whole(stamp, json.dumps({"digest": digest.hexdigest(), "files": counts}, indent=2))
    return [np.load(folder / f"{file.name}.npy", mmap_mode="r") for file in files]


@dataclass(frozen=True)
class TokenRows:
    """Rows `<s> … </s>` of a fixed length, from several arrays; each pass over an array has another offset.

    Attributes:
        sources: Token arrays.
        starts: Index of the array and of the first token of each row, shape (rows, 2).
        length: Number of tokens per row, including `<s>` and `</s>`.
    """

    sources: list[NDArray[np.uint16]]
    starts: NDArray[np.int64]
    length: int

    @classmethod
    def cut(cls, sources: list[NDArray[np.uint16]], repeats: list[int], length: int) -> TokenRows:
        """Cut each source into rows `repeats[i]` times, each time with another offset."""
        body = length - 2
        starts = []
        for i, (source, repeat) in enumerate(zip(sources, repeats, strict=True)):
            for r in range(repeat):
                first = np.arange(r * body // repeat, len(source) - body, body, dtype=np.int64)
                starts.append(np.stack([np.full_like(first, i), first], axis=1))
        return cls(sources, np.concatenate(starts), length)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the ids of the given rows, shape (len(rows), length)."""
        ids = np.empty((len(rows), self.length), dtype=np.int64)
        ids[:, 0], ids[:, -1] = BOS, EOS
        for k, (source, first) in enumerate(self.starts[rows]):
            ids[k, 1:-1] = self.sources[source][first : first + self.length - 2]
        return ids
