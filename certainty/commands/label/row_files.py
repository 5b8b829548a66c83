"""The files of rows that actions read and write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from certainty.commands.output import check_destination, destination
from certainty.errors import CertaintyError
from certainty.json_lines import read_json_lines, write_json_lines
from certainty.labelled import LabelledSentence
from certainty.spreadsheets import CsvWriter
from certainty.writing import is_regular

JSON_LINES = (".jsonl", ".json")


def has_no_labels(path: Path, label_column: str) -> bool:
    """Whether it is a JSONL file whose first row has no such column."""
    if path.suffix.lower() not in JSON_LINES:
        return False
    _, first = next(read_json_lines(path), (0, {label_column: None}))
    return label_column not in first


def check_rows_file(output: Path, inputs: Sequence[str]) -> None:
    """Check the file that is to hold labelled rows before long work.

    Raises:
        CertaintyError: it is no file of JSON Lines, or cannot be written; see `check_destination`.
    """
    if output.suffix.lower() != ".jsonl":
        raise CertaintyError(f"{output}: rows are written as JSON Lines; give a name that ends in .jsonl.")
    check_destination(output, inputs)


def write_labelled_rows(sentences: Iterable[LabelledSentence], output: Path, inputs: Sequence[str]) -> None:
    """Write labelled rows as JSON Lines, whole or not at all.

    Raises:
        CertaintyError: see `check_rows_file`.
    """
    from certainty.labelling.rows import write_rows

    check_rows_file(output, inputs)
    with destination(output, inputs) as out:
        write_rows(sentences, out)


def write_table(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[str],
    output: Path | None,
    inputs: Sequence[str],
    form: str | None = None,
    excel: bool = False,
) -> None:
    """Write rows as CSV or as JSON Lines, by the name of the output or as `form` ("csv", "jsonl") says.

    A CSV file begins with a byte order mark, by which spreadsheets recognise UTF-8.

    Raises:
        CertaintyError: it cannot be written, see `destination`; or `excel` is given, but the form is not CSV.
    """
    check_excel(excel, output, form)
    with destination(output, inputs) as out:
        if _is_json_lines(output, form):
            write_json_lines(rows, out)
            return
        writer = CsvWriter(out, excel, marked=output is not None)
        writer.write(columns)
        for row in rows:
            writer.write([row.get(column) for column in columns])  # an annotator may not have answered


def check_table(output: Path, inputs: Sequence[str]) -> None:
    """Check the file of a table before long work: its ending says whether `write_table` writes CSV or JSON Lines.

    Raises:
        CertaintyError: its ending is another, unless it is a device or a pipe; or see `check_destination`.
    """
    if output.suffix.lower() not in (".csv", *JSON_LINES) and is_regular(output):
        raise CertaintyError(f"{output}: its ending does not stand for a format; give a name in .csv or .jsonl.")
    check_destination(output, inputs)


def check_excel(excel: bool, output: Path | None, form: str | None = None) -> None:
    """Check that `--excel` is given for CSV only.

    Raises:
        CertaintyError: it is given for JSON Lines.
    """
    if excel and _is_json_lines(output, form):
        raise CertaintyError("--excel writes CSV, not JSON Lines; leave it out, or give a file that ends in .csv.")


def _is_json_lines(output: Path | None, form: str | None) -> bool:
    return form == "jsonl" if form else output is not None and output.suffix.lower() in JSON_LINES
