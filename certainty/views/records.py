"""JSON, JSON Lines and CSV; `docs/pages/reference/output.schema.json` describes the first two."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from certainty.labels import LABELS
from certainty.sentence_score import ScoredText, SentenceScore
from certainty.spreadsheets import CsvWriter
from certainty.views.categories import UNDECIDED, is_undecided

if TYPE_CHECKING:
    from certainty.results import Document

COLUMNS: tuple[str, ...] = (
    "text",
    "start",
    "end",
    "label",
    "probability",
    *(label.value for label in LABELS),
    "claim_probability",
    "certainty",
    "is_claim",
    "attributed",
    "cues",
    "second",
    "second_probability",
    "second_cues",
    "source",
    "unread",
)
"""Columns of a table: the members of `SentenceScore.to_dict`, with one column for each of the `probabilities`."""

CSV_COLUMNS = ("file", *COLUMNS)
_DECIMALS = 6
_CUE_SEPARATOR = " | "


def flat_record(sentence: SentenceScore) -> dict[str, Any]:
    """Return a sentence as a row of a table, in the order of `COLUMNS`."""
    record = sentence.to_dict()
    record |= record["probabilities"]
    return {column: record[column] for column in COLUMNS}


def document_record(document: Document, min_confidence: float | None = None) -> dict[str, Any]:
    """Return `Document.to_dict`; with `min_confidence`, each sentence has a member `undecided`."""
    return document.to_dict() | {"sentences": [_record(sentence, min_confidence) for sentence in document]}


def write_json(
    scored: Iterable[tuple[str, Document]], out: TextIO, as_list: bool, min_confidence: float | None = None
) -> None:
    """Write `{"file": …, "text": …, "model": …, "sentences": […]}` for each document.

    Args:
        scored: Names and documents; each is written as it arrives.
        out: The output.
        as_list: Whether to write a list; if not, there must be only one document.
        min_confidence: If given, each sentence has `undecided`: whether it is a claim whose label is less probable.
    """
    out.write("[\n" if as_list else "")
    separator = ""
    for name, document in scored:
        record = {"file": name, **document_record(document, min_confidence)}
        out.write(separator + json.dumps(record, ensure_ascii=False, indent=2))
        separator = ",\n"
    out.write("\n]\n" if as_list else "\n")


def write_jsonl(scored: Iterable[tuple[str, Document]], out: TextIO, min_confidence: float | None = None) -> None:
    """Write one line per sentence: `{"file": …, "text": …, "start": …, "label": …, "model": …}`; see `write_json`."""
    for name, document in scored:
        model = {} if document.model is None else {"model": document.model.to_dict()}
        for sentence in document:
            record = {"file": name, **_record(sentence, min_confidence), **model}
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def write_csv(
    scored: Iterable[tuple[str, ScoredText]], out: TextIO, min_confidence: float | None = None, excel: bool = False
) -> None:
    """Write a header and one row per sentence; cues are joined by " | ", and `undecided`, if any, is the last column.

    Args:
        scored: Names and documents; each is written as it arrives.
        out: The output.
        min_confidence: See `write_json`.
        excel: See `CsvWriter`.
    """
    rows = CsvWriter(out, excel)
    rows.write(CSV_COLUMNS if min_confidence is None else (*CSV_COLUMNS, UNDECIDED))
    for name, document in scored:
        for sentence in document:
            values = [_cell(value) for value in flat_record(sentence).values()]
            undecided = [] if min_confidence is None else [_cell(is_undecided(sentence, min_confidence))]
            rows.write([name, *values, *undecided])


def _record(sentence: SentenceScore, min_confidence: float | None) -> dict[str, Any]:
    undecided = {} if min_confidence is None else {UNDECIDED: is_undecided(sentence, min_confidence)}
    return sentence.to_dict() | undecided


def _cell(value: Any) -> str | int | float | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return _CUE_SEPARATOR.join(cue["text"] for cue in value)
    if isinstance(value, dict):
        return str(value["text"])
    return round(value, _DECIMALS) if isinstance(value, float) else value
