"""JSON, JSON Lines and CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import TextIO

from certainty.labels import LABELS
from certainty.results import Document

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


def write_json(scored: Iterable[tuple[str, Document]], out: TextIO, as_list: bool) -> None:
    """Write `{"file": …, "text": …, "sentences": […]}` for each document.

    Args:
        scored: Names and documents; each is written as it comes.
        out: Where to.
        as_list: Write a list of them; otherwise there must be only one.
    """
    out.write("[\n" if as_list else "")
    separator = ""
    for name, document in scored:
        out.write(separator + json.dumps({"file": name, **document.to_dict()}, ensure_ascii=False, indent=2))
        separator = ",\n"
    out.write("\n]\n" if as_list else "\n")


def write_jsonl(scored: Iterable[tuple[str, Document]], out: TextIO) -> None:
    """Write one line a sentence: `{"file": …, "text": …, "start": …, "label": …}`."""
    for name, document in scored:
        for sentence in document:
            out.write(json.dumps({"file": name, **sentence.to_dict()}, ensure_ascii=False) + "\n")


def write_csv(scored: Iterable[tuple[str, Document]], out: TextIO) -> None:
    """Write a header and one row a sentence; the cues are joined by " | ".

    Every string is quoted, so that line breaks of any kind within a sentence survive.
    """
    rows = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    rows.writerow(CSV_COLUMNS)
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
                    str(s.is_claim).lower(),
                    str(s.attributed).lower(),
                    _CUE_SEPARATOR.join(cue.text for cue in s.cues),
                    s.text,
                )
            )
