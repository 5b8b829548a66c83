"""`certainty label agreement`: how far annotators agree."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from certainty.commands.label.arguments import add_action, add_output
from certainty.commands.label.row_files import check_table, write_table
from certainty.commands.label_names import add_label_names
from certainty.commands.labelled_columns import Reader, add_columns, reader
from certainty.commands.output import check_destination, destination
from certainty.errors import CertaintyError
from certainty.writing import is_regular

RESAMPLES = 1000


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
        actions,
        "agreement",
        "compare several annotators",
        "Compare the annotators of the same sentences: Krippendorff's alpha and Cohen's kappa with 95 % intervals, "
        "by label, and who confused which labels. Sentences are the same by their id, else by their text.",
        "certainty label agreement rows.jsonl --disagreements disagreements.jsonl",
        "certainty label agreement ana.jsonl bo.jsonl --format json",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="labelled rows with id and annotator, or one file an annotator"
    )
    add_columns(parser, annotators=True)
    add_label_names(parser)
    parser.add_argument(
        "--format", choices=("table", "json"), default="table", help="what to write (default: %(default)s)"
    )
    parser.add_argument(
        "--disagreements", metavar="FILE", type=Path, help="write the sentences with different labels, CSV or JSONL"
    )
    parser.add_argument(
        "--resamples",
        metavar="N",
        type=int,
        default=RESAMPLES,
        help="resamples of the bootstrap (default: %(default)s)",
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="seed of the bootstrap (default: %(default)s)")
    add_output(parser, "write to a file (default: standard output)")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    if args.resamples < 1:
        raise CertaintyError(f"--resamples is {args.resamples}; it must be at least 1.")
    return compare(
        args.files,
        args.output,
        read=reader(args),
        as_json=args.format == "json",
        disagreements=args.disagreements,
        resamples=args.resamples,
        seed=args.seed,
    )


def compare(
    files: Sequence[str],
    output: Path | None,
    *,
    read: Reader,
    as_json: bool,
    disagreements: Path | None,
    resamples: int,
    seed: int,
) -> int:
    """Write the agreement of the annotators of some files and return the exit status."""
    from certainty.labelling.agreement import agreement
    from certainty.labelling.agreement_table import write_tables
    from certainty.labelling.annotators import read_sources

    if output:
        check_destination(output, files)
    if disagreements:
        check_table(disagreements, files)
    sources = read_sources(files, read)
    read.label_names.warn_if_unmet()
    result = agreement(sources, resamples, seed)
    with destination(output, files) as out:
        if as_json:
            out.write(json.dumps(result.to_dict(), ensure_ascii=False, indent=2) + "\n")
        else:
            write_tables(result, out)
    if disagreements:
        form = None if is_regular(disagreements) else "jsonl"
        write_table(result.disagreements, ["id", "text", *result.annotators], disagreements, files, form)
    return 0
