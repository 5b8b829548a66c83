"""`certainty label merge`: one label for each sentence that several annotators labelled."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certainty.commands.label.arguments import add_action, add_excel, add_model, add_output
from certainty.commands.label.row_files import (
    check_excel,
    check_rows_file,
    check_table,
    write_labelled_rows,
    write_table,
)
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader
from certainty.errors import CertaintyError

if TYPE_CHECKING:
    from certainty.labelling.annotators import Answers
    from certainty.labelling.merging import Weigh


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
        actions,
        "merge",
        "give each sentence one label",
        "Give each sentence that several annotators labelled the label of more than half of them. List those with "
        "different labels; a third person fills in the column `decision`, and the list is given back with "
        "--decisions. Sentences without a majority or a decision are left out, unless --weighted settles them.",
        "certainty label merge rows.jsonl --disagreements open.csv -o merged.jsonl",
        "certainty label merge rows.jsonl --decisions open.csv -o merged.jsonl",
        "certainty label merge rows.jsonl --weighted -o merged.jsonl",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="labelled rows with id and annotator, or one file an annotator"
    )
    add_columns(parser, annotators=True)
    add_label_names(parser)
    parser.add_argument(
        "--disagreements", metavar="FILE", type=Path, help="write the sentences with different labels, CSV or JSONL"
    )
    parser.add_argument("--decisions", metavar="FILE", type=Path, help="such a list with its decisions filled in")
    parser.add_argument(
        "--weighted",
        action="store_true",
        help="where there is neither, take the answer of the more reliable annotators (CROWDLAB); a model has a say, "
        "so do not use this for held-out data",
    )
    add_model(parser)
    add_output(parser, "merged rows, JSONL", required=True)
    add_excel(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.excel and not args.disagreements:
        raise CertaintyError("--excel is about the list of --disagreements; give both or neither.")
    if args.model and not args.weighted:
        raise CertaintyError("--model is about --weighted; give both or neither.")
    return merge_files(
        args.files,
        args.output,
        read=reader(args),
        disagreements=args.disagreements,
        decisions=args.decisions,
        excel=args.excel,
        weigh=_weighted_by(args.model) if args.weighted else None,
    )


def _weighted_by(model: str | None) -> Weigh:
    import certainty
    from certainty.labelling.reliability import category_probabilities, most_reliable

    def weigh(table: Mapping[str, Answers]) -> Mapping[str, str]:
        texts = [next(iter(row.values())).text for row in table.values()]
        return most_reliable(table, category_probabilities(texts, certainty.load(model)))

    return weigh


def merge_files(
    files: Sequence[str],
    output: Path,
    *,
    read: Reader,
    disagreements: Path | None,
    decisions: Path | None,
    excel: bool = False,
    weigh: Weigh | None = None,
) -> int:
    """Write the merged rows of labelled files and return the exit status."""
    from certainty.labelling.annotators import read_sources
    from certainty.labelling.merging import merge, read_decisions

    inputs = [*files, *([str(decisions)] if decisions else [])]
    check_rows_file(output, inputs)
    if disagreements:
        check_excel(excel, disagreements)
        check_table(disagreements, inputs)
    sources, decided = read_sources(files, read), read_decisions(decisions, read.label_names) if decisions else None
    read.label_names.warn_if_unmet()
    result = merge(sources, decided, weigh)
    if disagreements:
        write_table(result.disagreements, result.columns, disagreements, inputs, excel=excel)
    write_labelled_rows(result.sentences, output, inputs)
    print(
        f"{len(result.sentences)} rows of {len(result.annotators)} annotators; "
        f"with different labels: {len(result.disagreements)}; "
        + (f"settled by reliability: {result.weighted}; " if weigh else "")
        + f"left open: {result.open}.",
        file=sys.stderr,
    )
    return 0
