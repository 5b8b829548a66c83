"""JSON, JSON Lines and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import Any, TextIO

from certainty.labels import LABELS
from certainty.results import Document, SentenceScore
from certainty.views.categories import UNDECIDED, is_undecided

CSV_COLUMNS = (
    "file",
    "start",
    "end",
    "label",
    "probability",
    *(label.value for label in LABELS),
    "certainty",
    "is_claim",
    "attributed",
    "cues",
    "text",
)
_DECIMALS = 6
_CUE_SEPARATOR = " | "


def write_json(
    scored: Iterable[tuple[str, Document]], out: TextIO, as_list: bool, min_confidence: float | None = None
) -> None:
    """Write `{"file": …, "text": …, "sentences": […]}` for each document.

    Args:
        scored: Names and documents; each is written as it comes.
        out: Where to.
        as_list: Write a list of them; otherwise there must be only one.
        min_confidence: Adds `undecided` to each sentence: a claim whose label is less probable.
    """
    out.write("[\n" if as_list else "")
    separator = ""
    for name, document in scored:
        record = {"file": name, "text": document.text, "sentences": [_record(s, min_confidence) for s in document]}
        out.write(separator + json.dumps(record, ensure_ascii=False, indent=2))
        separator = ",\n"
    out.write("\n]\n" if as_list else "\n")


def write_jsonl(scored: Iterable[tuple[str, Document]], out: TextIO, min_confidence: float | None = None) -> None:
    """Write one line a sentence: `{"file": …, "text": …, "start": …, "label": …}`; see `write_json`."""
    for name, document in scored:
        for sentence in document:
            out.write(json.dumps({"file": name, **_record(sentence, min_confidence)}, ensure_ascii=False) + "\n")


def write_csv(scored: Iterable[tuple[str, Document]], out: TextIO, min_confidence: float | None = None) -> None:
    """Write a header and one row a sentence; the cues are joined by " | ", `undecided` as for `write_json` comes last.

    Every string is quoted, so that line breaks of any kind within a sentence survive.
    """
    rows = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    rows.writerow(CSV_COLUMNS if min_confidence is None else (*CSV_COLUMNS, UNDECIDED))
    for name, document in scored:
        for s in document:
            rows.writerow(
                (
                    name,
                    s.start,
                    s.end,
                    s.label.value,
                    round(s.probability, _DECIMALS),
                    *(round(s.probabilities[label], _DECIMALS) for label in LABELS),
                    round(s.certainty, _DECIMALS),
                    _boolean(s.is_claim),
                    _boolean(s.attributed),
                    _CUE_SEPARATOR.join(cue.text for cue in s.cues),
                    s.text,
                    *(() if min_confidence is None else (_boolean(is_undecided(s, min_confidence)),)),
                )
            )


def _record(sentence: SentenceScore, min_confidence: float | None) -> dict[str, Any]:
    undecided = {} if min_confidence is None else {UNDECIDED: is_undecided(sentence, min_confidence)}
    return sentence.to_dict() | undecided


def _boolean(value: bool) -> str:
    return str(value).lower()
