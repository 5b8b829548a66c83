"""`certainty label merge`: one label for each sentence that several annotators labelled."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certainty.commands.label.arguments import add_action, add_excel, add_output
from certainty.commands.label.row_files import check_excel, check_rows_file, write_labelled_rows, write_table
from certainty.commands.output import check_destination
from certainty.errors import CertaintyError


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
        actions,
        "merge",
        "give each sentence one label",
        "Give each sentence that several annotators labelled the label of more than half of them. List those with "
        "different labels; a third person fills in the column `decision`, and the list is given back with "
        "--decisions. Sentences without a majority and without a decision are left out.",
        "certainty label merge rows.jsonl --disagreements open.csv -o merged.jsonl",
        "certainty label merge rows.jsonl --decisions open.csv -o merged.jsonl",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="labelled rows with id and annotator, or one file an annotator"
    )
    parser.add_argument(
        "--disagreements", metavar="FILE", type=Path, help="write the sentences with different labels, CSV or JSONL"
    )
    parser.add_argument("--decisions", metavar="FILE", type=Path, help="such a list with its decisions filled in")
    add_output(parser, "merged rows, JSONL", required=True)
    add_excel(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.excel and not args.disagreements:
        raise CertaintyError("--excel is about the list of --disagreements; give both or neither.")
    return merge_files(
        args.files, args.output, disagreements=args.disagreements, decisions=args.decisions, excel=args.excel
    )


def merge_files(
    files: Sequence[str], output: Path, *, disagreements: Path | None, decisions: Path | None, excel: bool = False
) -> int:
    """Write the merged rows of labelled files and return the exit status."""
    from certainty.labelling.annotators import read_sources
    from certainty.labelling.merging import merge, read_decisions

    inputs = [*files, *([str(decisions)] if decisions else [])]
    check_rows_file(output, inputs)
    if disagreements:
        check_excel(excel, disagreements)
        check_destination(disagreements, inputs)
    result = merge(read_sources(files), read_decisions(decisions) if decisions else None)
    if disagreements:
        write_table(result.disagreements, result.columns, disagreements, inputs, excel=excel)
    write_labelled_rows(result.sentences, output, inputs)
    print(
        f"{len(result.sentences)} rows of {len(result.annotators)} annotators; "
        f"with different labels: {len(result.disagreements)}; left open: {result.open}.",
        file=sys.stderr,
    )
    return 0
