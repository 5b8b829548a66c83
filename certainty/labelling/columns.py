"""The other columns of a row, such as the document and the genre, on their way through an annotation tool.

A task has them twice: as plain fields, to see them and filter by them in the tool, and all together in the field
`columns`, which alone is read back. So nothing that a tool adds to its export is taken for a column, and a column may
have any name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from certainty.errors import CertaintyError
from certainty.labelled import other_columns
from certainty.messages import shown

COLUMNS = "columns"
"""Name of the field that is read back."""
# A plain field with such a name would be taken for the task's own or for an answer.
_TAKEN = {COLUMNS, "text", "id", "sentence_id", "corpus", "group"}
_TAKEN |= {"label", "attribution", "second", "cues", "annotator", "annotations", "annotation_id", "lead_time"}
_OF_A_MODEL = {"predicted", "uncertainty"}


def impartial(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns without what `certainty label suggest` says of its model, which would bias who labels."""
    return {name: value for name, value in columns.items() if name not in _OF_A_MODEL}


def plain_fields(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns whose names are free."""
    return {name: value for name, value in columns.items() if name not in _TAKEN}


def packed(columns: Mapping[str, str]) -> str:
    """Return the columns as a JSON object, for tools that keep only text."""
    return json.dumps(columns, ensure_ascii=False)


def unpacked(value: object, where: str) -> dict[str, str]:
    """Return the columns of such an object, as text or as it is; none if there is no value.

    Raises:
        CertaintyError: the value is not an object.
    """
    found: Any = value
    if isinstance(value, str) and value:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = value
    if found in (None, ""):
        return {}
    if not isinstance(found, dict):
        raise CertaintyError(f"{where} is {shown(value)}; it must be the object that `certainty label export` wrote.")
    return other_columns(found)
