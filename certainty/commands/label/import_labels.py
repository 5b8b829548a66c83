"""`certainty label import`: what an annotation tool exported."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from certainty.commands.label.arguments import TOOLS, add_action, add_output
from certainty.commands.label.row_files import check_rows_file, write_labelled_rows
from certainty.errors import CertaintyError


def add_parser(actions: Any) -> None:
    """Declare the action."""
    parser = add_action(
        actions,
        "import",
        "read what an annotation tool exported",
        "Read what an annotation tool exported, and write a row for each sentence and annotator. Drafts, rejected "
        "answers and predictions that nobody reviewed are left out and counted; an answer that breaks the rules is "
        "left out and named.",
        "certainty label import export.json --from label-studio -o rows.jsonl",
        "certainty label import ana.jsonl --from doccano --annotator ana -o ana_rows.jsonl",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the file that the tool exported")
    parser.add_argument("--from", dest="tool", choices=TOOLS, required=True, help="the annotation tool")
    parser.add_argument("--annotator", metavar="NAME", help="who labelled the file (default: as the file says)")
    parser.add_argument("--strict", action="store_true", help="write nothing if an answer breaks the rules")
    parser.add_argument(
        "--reviewed",
        action="store_true",
        help="the export holds approved tasks only: a prediction that was left as it was is a label (doccano)",
    )
    add_output(parser, "labelled rows, JSONL", required=True)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    return import_labels(
        args.file, args.tool, args.output, annotator=args.annotator, strict=args.strict, reviewed=args.reviewed
    )


def import_labels(
    file: Path, tool_name: str, output: Path, *, annotator: str | None, strict: bool, reviewed: bool
) -> int:
    """Write the labels of an export and return the exit status."""
    from certainty.labelling.tools import tool

    check_rows_file(output, [str(file)])
    found = tool(tool_name).read(file, reviewed=reviewed)
    for problem in found.problems:
        print(f"left out: {problem}", file=sys.stderr)
    if strict and found.problems:
        raise CertaintyError(
            f"{file}: {len(found.problems)} answers break the rules (above); mend them in the tool, or leave --strict "
            "out to do without them."
        )
    if not found.sentences:
        raise CertaintyError(f"{file}: no label in it ({found.left_out() or 'it is empty'}); {found.mend}")
    sentences = found.sentences
    if annotator:
        names = sorted({sentence.annotator for sentence in sentences} - {""})
        if len(names) > 1:
            raise CertaintyError(f"{file}: labels of {', '.join(names)}; leave --annotator out, to keep them apart.")
        sentences = [replace(sentence, annotator=annotator) for sentence in sentences]
    write_labelled_rows(sentences, output, [str(file)])
    rest = found.left_out()
    print(f"{len(sentences)} labelled rows" + (f"; left out: {rest}." if rest else "."), file=sys.stderr)
    for note in found.notes:
        print(f"note: {note}", file=sys.stderr)
    return 0
