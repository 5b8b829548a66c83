"""Write the report on an evaluation: `metrics.json`, `errors.csv` and a self-contained `index.html`."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.errors import CertaintyError
from certainty.evaluation.metric_table import METRICS
from certainty.evaluation.plots import reliability_plot, risk_plot
from certainty.evaluation.summary import in_words
from certainty.evaluation.wording import interval, number, p_value, percent, title
from certainty.labels import Label
from certainty.spreadsheets import CsvWriter
from certainty.templating import environment
from certainty.writing import check_output, make_folder, write_whole

if TYPE_CHECKING:
    from certainty.evaluation.result import Comparison


FILES = ("metrics.json", "errors.csv", "index.html")
_OF_ALL_ERRORS = ("id", "corpus", "doubtful")  # columns that are shown whether sliced by or not


def check_report(folder: str | Path) -> None:
    """Check that a report can be written into a folder; leaves no folder behind that was not there.

    Raises:
        CertaintyError: the folder cannot be created or written to, or one of the files cannot be replaced.
    """
    folder = Path(folder)
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        make_folder(folder)
        if not os.access(folder, os.W_OK):
            raise CertaintyError(f"{folder}: is read-only; change its permissions, or give another folder.")
        for name in FILES:
            check_output(folder / name)
    finally:
        for path in missing:
            if path.is_dir():
                path.rmdir()


def write_report(comparison: Comparison, folder: str | Path, excel: bool = False) -> Path:
    """Write the files of a report; see `Comparison.write_report`."""
    check_report(folder)
    contents = (comparison.to_json(text=False), errors_csv(comparison, excel), render(comparison))
    folder = make_folder(folder)
    for name, content in zip(FILES, contents, strict=True):
        write_whole(folder / name, content)
    return folder / "index.html"


def errors_csv(comparison: Comparison, excel: bool = False) -> str:
    """Return the errors as CSV: one row per sentence with the label, probability, claim and cues of each model.

    The columns that the report is sliced by come before the models.
    """
    out = io.StringIO()
    rows = CsvWriter(out, excel, marked=True)
    names = list(comparison.errors[0]["predictions"]) if comparison.errors else []
    several = [f" {name}" if len(names) > 1 else "" for name in names]
    own = [f"{column}{name}" for name in several for column in ("predicted", "probability", "is_claim", "cues")]
    by = _by(comparison)
    rows.write(["id", "corpus", "text", "gold", "gold_cues", "doubtful", *by, *own])
    for error in comparison.errors:
        text = error["text"]
        row = [
            error["id"],
            error["corpus"],
            text,
            error["gold"],
            _words(text, error["gold_cues"]),
            _flag(error["doubtful"]),
            *(error["by"][column] for column in by),
        ]
        for name in names:
            p = error["predictions"][name]
            row += [p["label"], round(p["probability"], 4), _flag(p["is_claim"]), _words(text, p["cues"])]
        rows.write(row)
    return out.getvalue()


def render(comparison: Comparison) -> str:
    """Return the report as one HTML page without external resources."""
    templates = environment(__package__, autoescape=True)
    templates.filters.update(number=number, interval=interval, p_value=p_value, percent=percent, title=title)
    evaluations = [one.to_dict(text=False) | {"name": one.name} for one in comparison.evaluations]
    names = list(comparison.errors[0]["predictions"]) if comparison.errors else []
    labels = list(evaluations[0]["per_class"]) if evaluations else []
    return templates.get_template("report.html.j2").render(
        evaluations=evaluations,
        differences=comparison.differences,
        in_words=in_words(comparison),
        errors=comparison.errors,
        error_models=names,
        error_columns=_by(comparison),
        behaviour=comparison.behaviour,
        heading=_heading(comparison),
        first=evaluations[0] if evaluations else None,
        labels=labels,
        answers=[*labels, Label.NO_CLAIM.value],
        metrics=METRICS,
        reliability_plots=[
            reliability_plot(one["reliability"], (one["uncalibrated"] or {}).get("reliability")) for one in evaluations
        ],
        risk_plot=risk_plot({one["name"]: one["risk_coverage"] for one in evaluations}) if evaluations else "",
        segments=_segments,
        words=_words,
    )


def _by(comparison: Comparison) -> list[str]:
    """Return the columns, beside those of all errors, that the report is sliced by."""
    columns = comparison.errors[0]["by"] if comparison.errors else {}
    return [column for column in columns if column not in _OF_ALL_ERRORS]


def _heading(comparison: Comparison) -> str:
    each = comparison.evaluations or comparison.behaviour
    return " · ".join(one.name for one in each)


def _words(text: str, spans: Sequence[Sequence[int]]) -> str:
    return "; ".join(text[start:end] for start, end in spans)


def _flag(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


def _segments(
    text: str, gold: Sequence[Sequence[int]], predicted: Sequence[Sequence[int]]
) -> Iterator[tuple[str, str]]:
    """Split a text at the boundaries of its cues; yield each piece with its CSS classes."""
    cuts = sorted({0, len(text), *(offset for span in [*gold, *predicted] for offset in span)})
    kinds: Mapping[str, Any] = {"gold": gold, "predicted": predicted}
    for start, end in pairwise(cuts):
        yield text[start:end], " ".join(k for k, spans in kinds.items() if any(a <= start < b for a, b in spans))
