"""Check that an ONNX file takes its weights only from files in its own folder.

The weights of an ONNX file may be in other files, which it names. The oldest releases of onnxruntime that we support
read any file of the machine that a model names; later ones refuse those outside its folder. This reads as much of the
file as is needed to find the names, without the package onnx.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from certainty.errors import CertaintyError

_EXTERNAL_DATA = "external data"
# The messages of onnx.proto that may hold a tensor, and the numbers of the fields that lead to it.
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: _EXTERNAL_DATA},
}
_FIXED = {1: 8, 5: 4}  # bytes of the wire types of fixed length
_VARINT, _BYTES = 0, 2


def check_external_data(path: Path) -> None:
    """Check the files that an ONNX file names.

    Raises:
        CertaintyError: If one is outside the folder of the file, also by a link, or the file is damaged.
    """
    # The files in the cache of the hub are links to files in one folder.
    inside = {path.parent.resolve(), path.resolve().parent}
    try:
        names = set(_locations(memoryview(path.read_bytes()), "model"))
        outside = [name for name in sorted(names) if not inside & set((path.parent / name).resolve().parents)]
    except (IndexError, KeyError, ValueError, RecursionError) as error:
        raise CertaintyError(f"{path}: damaged (not a protobuf: {error}). Copy the model folder again.") from error
    if outside:
        raise CertaintyError(
            f"{path}: takes its weights from {outside[0]!r}, which is outside its folder; do not use this model unless "
            "you know why, and then copy that file into the folder and export the model again."
        )


def _locations(message: memoryview, kind: str) -> Iterator[str]:
    inner = _FIELDS[kind]
    for number, value in _fields(message):
        if (found := inner.get(number)) is None or value is None:
            continue
        if found == _EXTERNAL_DATA:
            entry = {key: bytes(content).decode() for key, content in _fields(value) if content is not None}
            if entry.get(1) == "location":
                yield entry.get(2, "")
        else:
            yield from _locations(value, found)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | None]]:
    """Yield the number of each field, and its content if that is bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == _BYTES:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("it ends too early")
            yield key >> 3, message[at : at + size]
            at += size
        elif wire == _VARINT:
            _, at = _varint(message, at)
            yield key >> 3, None
        else:
            at += _FIXED[wire]
            yield key >> 3, None


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at an offset, and the offset after it."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
