"""Publish pseudo-labels without their sentences, and join them with the text again.

`python -m training.distillation.standoff split --pseudo-labels runs/pseudo.safetensors --output pseudo.safetensors.xz`
`python -m training.distillation.standoff join --labels pseudo.safetensors.xz --text text/ --tokenizer models/base \
    --output runs/pseudo.safetensors`

A sentence is known by a digest of its token ids, from which nobody can restore it. Whoever has the text and the
tokenizer gets the file for `certainty train --pseudo-labels` in minutes, without the teachers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from certainty import CertaintyError
from certainty.finetuning.fast_tokenizer import backend, load_tokenizer
from certainty.finetuning.pseudo_labels import (
    Probabilities,
    TokenisedSentences,
    read_arrays,
    tokenizer_digest,
    write_pseudo_labels,
)
from certainty.writing import write_whole
from training.data.text import text_files
from training.distillation.sentence_sample import sample_sentences
from training.program import tells_errors

CUE_LEVELS = 15
"""Steps from 0 to 1 in which a token's probability of being a cue is kept; most are 0 and take no space."""
_METADATA = "metadata"
_EVERYTHING = sys.maxsize


def digests(sentences: TokenisedSentences) -> NDArray[np.uint64]:
    """Return the first 64 bits of the SHA-256 of each sentence's token ids, shape (n,)."""
    ends = np.concatenate([[0], np.cumsum(sentences.lengths, dtype=np.int64)])
    ids = np.ascontiguousarray(sentences.ids, dtype="<i4")
    found = (hashlib.sha256(ids[a:b].tobytes()).digest()[:8] for a, b in pairwise(ends.tolist()))
    return np.frombuffer(b"".join(found), dtype="<u8")


def split_off(path: str | Path, output: str | Path) -> int:
    """Write the labels of a file of pseudo-labels without its sentences; return their number.

    Probabilities are kept in steps of 1/255, those of cues in steps of 1/`CUE_LEVELS`.

    Raises:
        CertaintyError: If the file cannot be read.
    """
    sentences, probabilities, metadata = read_arrays(path)
    taught = not np.isnan(probabilities.second).any()
    tensors: dict[str, NDArray[Any]] = {
        "digest": digests(sentences),
        "length": sentences.lengths.astype(np.uint16),
        "labels": _to_bytes(probabilities.labels),
        "claim": _to_bytes(probabilities.claim),
        "attributed": _to_bytes(probabilities.attributed),
        "source": probabilities.source,
        "cue": np.round(probabilities.cue.astype(np.float32) / 255 * CUE_LEVELS).astype(np.uint8),
        **({"second": _to_bytes(probabilities.second)} if taught else {}),
    }
    # Arrays of one column each compress much better.
    tensors = {name: np.ascontiguousarray(np.moveaxis(value, -1, 0)) for name, value in tensors.items()}
    content = save(tensors, metadata={_METADATA: json.dumps(metadata, ensure_ascii=False)})
    write_whole(output, lzma.compress(content, preset=9))
    return len(sentences)


def join(labels: str | Path, text: Iterable[str | Path], tokenizer: str | Path, output: str | Path) -> tuple[int, int]:
    """Find the sentences in the text and write the file of pseudo-labels.

    Args:
        labels: File written by `split_off`.
        text: .txt and .txt.xz files, or folders of them, with one paragraph per line.
        tokenizer: Folder with the tokenizer of the teachers.
        output: The file to write.

    Returns:
        The number of sentences found, and of all.

    Raises:
        CertaintyError: If a file cannot be read, the tokenizer is another, or no sentence is found.
    """
    tensors, metadata = _read(labels)
    wanted = backend(load_tokenizer(str(tokenizer)))
    if metadata["tokenizer"] != tokenizer_digest(wanted):
        raise CertaintyError(f"{tokenizer}: not the tokenizer of {labels}; give the folder of a teacher.")
    lengths = tensors["length"].astype(np.int32)
    every = sample_sentences(text_files(list(text)), wanted, _EVERYTHING, longest=int(lengths.max()))
    row_of = {digest: row for row, digest in enumerate(digests(every).tolist())}
    rows = [row_of.get(digest, -1) for digest in tensors["digest"].tolist()]
    found = np.flatnonzero(np.array(rows) >= 0)
    if not len(found):
        raise CertaintyError(f"{labels}: none of its sentences is in the text; give the text that it was made from.")
    n = len(lengths)
    second = tensors["second"].T / np.float32(255) if "second" in tensors else np.full((n, 5), np.nan)
    labelled = TokenisedSentences(np.zeros(int(lengths.sum()), dtype=np.int32), lengths)
    probabilities = Probabilities(
        labels=(tensors["labels"].T / np.float32(255)).astype(np.float16),
        claim=(tensors["claim"] / np.float32(255)).astype(np.float16),
        attributed=(tensors["attributed"] / np.float32(255)).astype(np.float16),
        second=second.astype(np.float16),
        source=np.ascontiguousarray(tensors["source"].T),
        cue=np.round(tensors["cue"].T * np.float32(255 / CUE_LEVELS)).astype(np.uint8),
    )
    sentences = every[np.array(rows, dtype=np.int64)[found]]
    metadata = {**metadata, "sentences": len(found)}
    write_pseudo_labels(output, sentences, probabilities.of(labelled, found), metadata)
    return len(found), n


def _to_bytes(probabilities: NDArray[np.float16]) -> NDArray[np.uint8]:
    return np.round(probabilities.astype(np.float32) * 255).astype(np.uint8)


def _read(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        content = lzma.decompress(Path(path).read_bytes())
        size = int.from_bytes(content[:8], "little")
        metadata = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_METADATA])
        return load(content), metadata
    except (OSError, lzma.LZMAError, SafetensorError, KeyError, ValueError) as error:
        raise CertaintyError(f"{path}: not a file of stand-off pseudo-labels, or damaged ({error}).") from error


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.distillation.standoff", description="Pseudo-labels without their sentences."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    split = commands.add_parser("split", help="write the labels without the sentences")
    split.add_argument("--pseudo-labels", required=True, metavar="FILE")
    split.add_argument("--output", required=True, metavar="FILE", help="the .safetensors.xz file")
    joined = commands.add_parser("join", help="find the sentences again")
    joined.add_argument("--labels", required=True, metavar="FILE", help="the .safetensors.xz file")
    joined.add_argument("--text", nargs="+", required=True, help=".txt and .txt.xz files, or folders of them")
    joined.add_argument("--tokenizer", required=True, metavar="DIR", help="folder of a teacher")
    joined.add_argument("--output", required=True, metavar="FILE", help="the .safetensors file, with the sentences")
    args = parser.parse_args(arguments)
    if args.command == "split":
        print(f"{args.output}: the labels of {split_off(args.pseudo_labels, args.output)} sentences.")
    else:
        found, n = join(args.labels, args.text, args.tokenizer, args.output)
        print(f"{args.output}: {found} of {n} sentences found.")


if __name__ == "__main__":
    sys.exit(main())
