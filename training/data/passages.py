"""Read the text of local corpora in passages, from treebanks, JSON and plain text, compressed or not."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from certainty import CertaintyError

_READABLE = (".conllu", ".json", ".jsonl", ".txt")
_OPENERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
_NOT_SPACE = re.compile(r"\S")


class Passage(NamedTuple):
    """A passage of text, and the name of its sentence or article if the source has one."""

    name: str | None
    text: str


def read_passages(path: str | Path) -> Iterator[Passage]:
    """Yield the passages of a file, or of all .conllu, .json, .jsonl and .txt files below a folder.

    The files may be compressed (.gz, .xz, .bz2). The passages of a treebank are its sentences, named by `sent_id`;
    those of JSON are all its strings, named by the `id` of their object or else by the file; those of other files are
    their lines, without a name.

    Raises:
        CertaintyError: If the path does not exist, the folder has no such files, or a file cannot be read.
    """
    path = Path(path).expanduser()
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and _format(file) in _READABLE)
        if not files:
            raise CertaintyError(f"{path}: no {', '.join(_READABLE)} file in it, compressed or not.")
    for file in files:
        if _format(file) == ".conllu":
            yield from _treebank(read_lines(file))
        elif _format(file) in (".json", ".jsonl"):
            yield from _json_passages(file)
        else:
            yield from (Passage(None, line) for line in read_lines(file))


def read_lines(file: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, which is decompressed according to its suffix.

    Raises:
        CertaintyError: If the file cannot be read.
    """
    try:
        with _OPENERS.get(file.suffix, open)(file, "rt", encoding="utf-8-sig") as lines:
            yield from lines
    except (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError) as error:
        raise CertaintyError(f"{file}: cannot be read as UTF-8 text: {error}.") from error


def _format(file: Path) -> str:
    return (file.with_suffix("") if file.suffix in _OPENERS else file).suffix


def _treebank(lines: Iterable[str]) -> Iterator[Passage]:
    name = None
    for line in lines:
        key, _, value = line.partition("=")
        if key.split() == ["#", "sent_id"]:
            name = value.strip()
        elif key.split() == ["#", "text"]:
            yield Passage(name, value)


def _json_passages(file: Path) -> Iterator[Passage]:
    """Read a single document, an array or one document per line, whatever the suffix, since corpora mix these."""
    text, end = "".join(read_lines(file)), 0
    while start := _NOT_SPACE.search(text, end):
        try:
            document, end = json.JSONDecoder().raw_decode(text, start.start())
        except ValueError as error:
            raise CertaintyError(f"{file}: not JSON: {error}.") from error
        for item in document if isinstance(document, list) else [document]:
            name = str(item["id"]) if isinstance(item, dict) and "id" in item else file.name.split(".")[0]
            yield from (Passage(name, string) for string in _strings(item))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
