"""The rows of an archive: one for each sentence, and one for each document or input that could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from certainty.archive.columns import KeptColumns
from certainty.archive.documents import ArchiveText
from certainty.archive.settings import ArchiveSettings
from certainty.labels import LABELS
from certainty.sentence_score import ScoredText
from certainty.views.categories import UNDECIDED, is_undecided
from certainty.views.records import COLUMNS, flat_record

if TYPE_CHECKING:
    import pyarrow

PLACE = ("file", "row", "id", "sentence")
"""Columns that say where a sentence is: its file, row, document and its number in the document, from 1."""

ERROR_COLUMNS = ("file", "row", "id", "stage", "error")


def own_columns(settings: ArchiveSettings) -> tuple[str, ...]:
    """Return the columns that an archive has with any input."""
    return (*PLACE, *COLUMNS, *(() if settings.min_confidence is None else (UNDECIDED,)))


def sentence_rows(
    document: ScoredText, text: ArchiveText, kept: KeptColumns, settings: ArchiveSettings
) -> Iterator[dict[str, Any]]:
    """Yield a row for each sentence of a document."""
    own = _encodable_row(kept.values(text.columns, settings))  # once: all rows share it
    for number, sentence in enumerate(document, 1):
        row = {"file": text.file, "row": text.row, "id": text.id, "sentence": number, **flat_record(sentence)}
        if settings.min_confidence is not None:
            row[UNDECIDED] = is_undecided(sentence, settings.min_confidence)
        yield _encodable_row(row) | own


def error_row(text: ArchiveText) -> dict[str, Any]:
    """Return the row of a document or input that could not be read."""
    return _encodable_row({name: getattr(text, name) for name in ERROR_COLUMNS})


def sentence_schema(kept: KeptColumns, settings: ArchiveSettings) -> pyarrow.Schema:
    """Return the Parquet schema of the sentences."""
    import pyarrow as pa

    makers = {"int64": pa.int64, "double": pa.float64, "bool": pa.bool_, "date32": pa.date32, "string": pa.string}
    fields = score_fields(own_columns(settings))
    fields += [pa.field(name, makers[kind]()) for name, kind in kept.types.items()]
    return pa.schema([*fields, ("other", pa.string())])


def score_fields(columns: Iterable[str]) -> list[pyarrow.Field]:
    """Return the Parquet fields of columns that scoring adds."""
    import pyarrow as pa

    span = pa.struct([("start", pa.int64()), ("end", pa.int64()), ("text", pa.string())])
    types = {
        **dict.fromkeys(("row", "sentence", "start", "end", "unread"), pa.int64()),
        **dict.fromkeys(
            ("probability", *(label.value for label in LABELS), "claim_probability", "certainty", "second_probability"),
            pa.float64(),
        ),
        **dict.fromkeys(("is_claim", "attributed", UNDECIDED), pa.bool_()),
        **dict.fromkeys(("cues", "second_cues"), pa.list_(span)),
        "source": span,
    }
    return [pa.field(name, types.get(name, pa.string())) for name in columns]


def error_schema() -> pyarrow.Schema:
    """Return the Parquet schema of the errors."""
    import pyarrow as pa

    return pa.schema([(name, pa.int64() if name == "row" else pa.string()) for name in ERROR_COLUMNS])


def _encodable_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _encodable(value) for name, value in row.items()}


def _encodable(value: Any) -> Any:
    """Return a value with a backslash escape for each lone surrogate, which UTF-8 cannot encode."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return _encodable_row(value)
    return [_encodable(one) for one in value] if isinstance(value, list) else value
