"""The columns of the inputs that an archive keeps, which are the same in all of its parts."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from certainty.archive.documents import head_columns
from certainty.archive.inputs import InputFile
from certainty.archive.settings import ArchiveSettings
from certainty.documents.kinds import ENDINGS, TABLES
from certainty.errors import CertaintyError
from certainty.messages import argument

OTHER = "other"
"""Column for values of columns that the first tables do not have, or of another type, or above `_MOST`, or whose name
UTF-8 cannot encode: a JSON object, or None."""

_TABLES, _ROWS = 100, 100  # how many tables, and rows of each, are looked at for their columns
_MOST, _LONGEST = 1_000, 1_000  # columns that are kept, as each row has all, and characters of a name
_ID = "id"
_INT64 = 2**63
_FITS: dict[str, Callable[[Any], bool]] = {
    "int64": lambda value: isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64,
    "double": lambda value: isinstance(value, float),
    "bool": lambda value: isinstance(value, bool),
    "date32": lambda value: isinstance(value, datetime.date) and not isinstance(value, datetime.datetime),
}


class KeptColumns:
    """The columns that are kept, with their names in the output and their arrow types.

    Attributes:
        names: For each column of the inputs, its name in the rows.
        types: For each name in the rows, "string", "int64", "double", "bool" or "date32".
    """

    def __init__(self, names: Mapping[str, str], types: Mapping[str, str]) -> None:
        self.names, self.types = dict(names), dict(types)

    @classmethod
    def of(cls, files: Sequence[InputFile], settings: ArchiveSettings, taken: Iterable[str]) -> KeptColumns:
        """Look at the first tables and return the columns that are kept.

        Args:
            files: The files.
            settings: Which columns are the text and the id.
            taken: Names of columns of the output; a column of the inputs with one of them is renamed `input_…`.

        Raises:
            CertaintyError: If none of the tables has the text column.
            MissingExtraError: If a library that reads a table is not installed.
        """
        own = (settings.text_column, settings.id_column or _ID)
        found: dict[str, str] = {}
        files = [file for file in files if file.error is None]
        tables = [file for file in files if ENDINGS.get(PurePath(file.uncompressed_name).suffix.lower()) in TABLES]
        readable = 0
        for file in tables[:_TABLES]:
            has_columns = False
            try:
                for name, declared in head_columns(file, _ROWS):
                    has_columns = True
                    if name in own or name in found or (len(found) < _MOST and _may_be_kept(name)):
                        kept = _type_name(declared)
                        found[name] = kept if found.get(name, kept) == kept else "string"
            except CertaintyError as error:
                if isinstance(error, ImportError):
                    raise
                continue  # reading it will record the error
            readable += has_columns
        if readable and readable == len(files) and settings.text_column not in found:
            raise CertaintyError(
                f"{tables[0].name}: no column {settings.text_column!r}. Found: {', '.join(found)}; name it with "
                f"{argument('text_column')}."
            )
        for name in own:
            found.pop(name, None)
        names = free_names(found, {*taken, OTHER})
        return cls(names, {names[name]: found[name] for name in found})

    def values(self, columns: Mapping[str, Any], settings: ArchiveSettings) -> dict[str, Any]:
        """Return the values of a document's row, under their names in the output, and `OTHER`."""
        kept: dict[str, Any] = dict.fromkeys(self.types)
        other: dict[str, Any] = {}
        for column, value in columns.items():
            name = str(column)
            if name in (settings.text_column, settings.id_column or _ID):
                continue
            shown = self.names.get(name)
            if shown is None:
                other[name] = value
            elif self.types[shown] == "string":
                kept[shown] = as_string(value)
            elif value is None or _FITS[self.types[shown]](value):
                kept[shown] = value
            else:
                other[name] = value
        return kept | {OTHER: json.dumps(other, ensure_ascii=False, default=as_string) if other else None}


def _may_be_kept(name: str) -> bool:
    if len(name) > _LONGEST:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can name
        return False
    return True


def free_names(columns: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Return a name in the output for each column of the inputs: its own, or `input_…` if that is taken.

    Names count as the same whatever their case, as in SQL.
    """
    names: dict[str, str] = {}
    used = {name.casefold() for name in taken}
    for name in columns:
        shown = name
        while not shown or shown.casefold() in used:
            shown = f"input_{shown}"
        names[name] = shown
        used.add(shown.casefold())
    return names


def as_string(value: Any) -> str | None:
    """Return a value as a string: dates in ISO 8601, numbers, lists and objects as JSON; None if it is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (bool, int, float, list, dict)):
        return json.dumps(value, ensure_ascii=False, default=as_string)
    return str(value)


def _type_name(declared: Any) -> str:
    """Return the type of a kept column; what is not a simple type of Parquet is kept as a string."""
    if declared is None:
        return "string"
    from pyarrow import types

    if types.is_integer(declared) and not types.is_uint64(declared):
        return "int64"
    if types.is_floating(declared):
        return "double"
    if types.is_boolean(declared):
        return "bool"
    return "date32" if types.is_date(declared) else "string"
