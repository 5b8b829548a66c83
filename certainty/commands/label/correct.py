"""`certainty label correct`: corrections applied to labelled rows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certainty.commands.label.arguments import add_action, add_output
from certainty.commands.label.row_files import check_rows_file, write_labelled_rows
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
        actions,
        "correct",
        "apply corrections to labelled rows",
        "Apply corrections to labelled rows and write the corrected rows; the files that are read stay as they are.",
        "certainty label correct rows.jsonl --corrections suspects.csv -o corrected.jsonl",
    )
    parser.add_argument("files", nargs="+", metavar="ROWS", help="labelled rows")
    add_columns(parser, annotators=True)
    add_label_names(parser)
    parser.add_argument(
        "--corrections",
        metavar="FILE",
        type=Path,
        required=True,
        help="JSONL of id, old, new and reason, or an audit with its decisions filled in",
    )
    add_output(parser, "corrected rows, JSONL", required=True)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    return correct(args.files, args.corrections, args.output, reader(args))


def correct(files: Sequence[str], corrections: Path, output: Path, read: Reader) -> int:
    """Write the corrected rows of labelled files and return the exit status."""
    from certainty.labelling.corrections import apply_corrections

    inputs = [*files, str(corrections)]
    check_rows_file(output, inputs)
    before = read(files)
    after = apply_corrections(before, corrections, read.label_names)
    read.label_names.warn_if_unmet()
    write_labelled_rows(after, output, inputs)
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    print(f"{changed} of {len(after)} rows corrected.", file=sys.stderr)
    return 0
