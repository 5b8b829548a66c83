"""Rows of JSON Lines: labelled rows written for `certainty.labelled.read_labelled`, and any rows read line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from certainty.errors import CertaintyError
from certainty.labelled import LabelledSentence

_ZIP = b"PK\x03\x04"
_SURROGATES = re.compile("[\ud800-\udfff]")


def write_json_list(items: Iterable[Any], out: TextIO) -> None:
    """Write a JSON list, an item a line, as the items come."""
    separator = "[\n"
    for item in items:
        out.write(separator + json.dumps(item, ensure_ascii=False))
        separator = ",\n"
    out.write("\n]\n" if separator != "[\n" else "[]\n")


def write_rows(sentences: Iterable[LabelledSentence], out: TextIO) -> None:
    """Write one JSON object a line. A lone surrogate, which no JSON reader takes, becomes U+FFFD."""
    write_json_lines(map(to_row, sentences), out)


def write_json_lines(rows: Iterable[Any], out: TextIO) -> None:
    """Write one JSON value a line, as they come."""
    out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def to_row(sentence: LabelledSentence) -> dict[str, Any]:
    """Return the row of a sentence, with every column."""
    return {
        "id": sentence.id,
        "text": _SURROGATES.sub("\ufffd", sentence.text),
        "label": sentence.label.value if sentence.label else None,
        "claim": sentence.claim,
        "second": sentence.second.value if sentence.second else None,
        "attributed": sentence.attributed,
        "cues": None if sentence.cues is None else [list(cue) for cue in sentence.cues],
        "annotator": sentence.annotator,
        "corpus": sentence.corpus,
        "quad": sentence.group,
    }


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of each line that is not blank.

    Raises:
        CertaintyError: the file cannot be read, or a line is not a JSON object.
    """
    with _opened(path) as lines:
        for number, line in enumerate(lines, 1):
            text = _decoded(line, f"{path}, line {number}")
            if not text.strip():
                continue
            try:
                row = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise CertaintyError(
                    f"{path}, line {number}: not a JSON object: {error}. JSON Lines have a whole object on each line."
                ) from error
            if not isinstance(row, dict):
                raise CertaintyError(f"{path}, line {number}: expected a JSON object, found {type(row).__name__}.")
            yield number, row


def read_json_list(path: Path, mend: str) -> list[dict[str, Any]]:
    """Return the objects of a file that holds one JSON list of them.

    Args:
        path: The file.
        mend: How to get such a file, for messages.

    Raises:
        CertaintyError: the file cannot be read or holds something else.
    """
    with _opened(path) as data:
        text = _decoded(data.read(), str(path))
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CertaintyError(f"{path}: not JSON ({error}). {mend}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CertaintyError(f"{path}: expected a JSON list of objects. {mend}")
    return rows


def as_object(value: Any, where: str, mend: str) -> dict[str, Any]:
    """Return the JSON object, or an empty one for null.

    Raises:
        CertaintyError: it is neither.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CertaintyError(f"{where}: expected an object, found {str(value)[:40]!r}. {mend}")
    return value


def as_list(value: Any, where: str, mend: str) -> list[Any]:
    """Return the JSON list, or an empty one for null.

    Raises:
        CertaintyError: it is neither.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise CertaintyError(f"{where}: expected a list, found {str(value)[:40]!r}. {mend}")
    return value


def _opened(path: Path) -> BinaryIO:
    if path.is_dir():
        raise CertaintyError(f"{path}: is a directory; give a file in it.")
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise CertaintyError(f"{path}: no such file; check the name and the folder.") from None
    except OSError as error:
        raise CertaintyError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
    if file.peek(len(_ZIP))[: len(_ZIP)] == _ZIP:
        file.close()
        raise CertaintyError(f"{path}: is a zip archive; unpack it and give a file in it.")
    return file


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CertaintyError(f"{where}: not UTF-8 ({error}). Save the file as UTF-8.") from error
