"""Write labelled sentences as rows for `certainty.labelled.read_labelled`, and check values exported by tools."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TextIO

from certainty.errors import CertaintyError
from certainty.json_lines import write_json_lines
from certainty.labelled import LabelledSentence
from certainty.messages import shown

_SURROGATES = re.compile("[\ud800-\udfff]")


def write_rows(sentences: Iterable[LabelledSentence], out: TextIO) -> None:
    """Write one JSON object per line; lone surrogates, which JSON readers reject, become U+FFFD."""
    write_json_lines(map(to_row, sentences), out)


def to_row(sentence: LabelledSentence) -> dict[str, Any]:
    """Return the row of a sentence, with every column but a `second` that is not known; its own columns come last."""
    row: dict[str, Any] = {
        "id": sentence.id,
        "text": sentence.text,
        "label": sentence.label.value if sentence.label else None,
        "claim": sentence.claim,
        "second": sentence.second.value if sentence.second else None,
        "attributed": sentence.attributed,
        "cues": None if sentence.cues is None else [list(cue) for cue in sentence.cues],
        "sources": None if sentence.sources is None else [list(source) for source in sentence.sources],
        "annotator": sentence.annotator,
        "corpus": sentence.corpus,
        "quad": sentence.group,
    }
    if not (sentence.second or sentence.second_known):
        del row["second"]
    if sentence.doubtful:
        row["doubtful"] = True
    row |= {name: value for name, value in sentence.columns.items() if name not in row}
    return {_clean(name): _clean(value) if isinstance(value, str) else value for name, value in row.items()}


def _clean(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)


def as_object(value: Any, where: str, mend: str) -> dict[str, Any]:
    """Return the JSON object, or an empty one for null.

    Raises:
        CertaintyError: the value is neither an object nor null.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise CertaintyError(f"{where}: expected an object, found {shown(value)}. {mend}")
    return value


def as_list(value: Any, where: str, mend: str) -> list[Any]:
    """Return the JSON list, or an empty one for null.

    Raises:
        CertaintyError: the value is neither a list nor null.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise CertaintyError(f"{where}: expected a list, found {shown(value)}. {mend}")
    return value


def as_name(value: Any, where: str) -> str:
    """Return a name or a number as a string, or an empty one for null.

    Raises:
        CertaintyError: the value is neither a string, a number nor null.
    """
    if value is None:
        return ""
    if not isinstance(value, (str, int, float)):
        raise CertaintyError(f"{where} is {shown(value)}; it must be a string or a number.")
    return str(value)


def place(value: Any, number: object) -> str:
    """Return the id of a task for messages, or the number of the task if it has no id that can be shown."""
    return str(value) if value != "" and isinstance(value, (str, int)) else str(number)
