"""`certainty score`: the scores of each sentence as a table, marked text, records or a page."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

from certainty.commands.confidence import add_confidence_argument
from certainty.commands.engine import model_choice
from certainty.commands.help import HelpFormatter
from certainty.commands.output import FAILED, check_destination, destination, output_format
from certainty.commands.texts import GivenTexts, add_text_arguments
from certainty.errors import CertaintyError
from certainty.results import Document
from certainty.spreadsheets import EXCEL_HELP

ENDINGS = {
    "table": (".txt",),
    "text": (".txt",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv",),
    "html": (".html", ".htm"),
}
"""Endings of the files of each format; an ending that several formats share stands for the first of them."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "score",
        help="score each sentence of texts",
        description="Score each sentence of French texts.",
        epilog="examples:\n"
        "  certainty score article.txt\n"
        "  certainty score *.txt -o scores.csv\n"
        "  certainty score article.pdf -o article.html\n"
        "  certainty score comments.csv --text-column message --excel -o scores.csv\n"
        "  certainty score --recursive archive -o scores.jsonl",
        formatter_class=HelpFormatter,
    )
    add_text_arguments(parser)
    parser.add_argument(
        "--format",
        choices=tuple(ENDINGS),
        help="format of the output (default: the one that the ending of --output stands for, else table)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write to a file; .csv, .json, .jsonl, .html and .txt stand for a format (default: standard output)",
    )
    parser.add_argument(
        "--excel",
        action="store_true",
        help=EXCEL_HELP,
    )
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour the table or the text (default: %(default)s, on a terminal unless NO_COLOR is set)",
    )
    add_confidence_argument(parser, "; json, jsonl and csv keep the label and add a field `undecided`")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Score the files that can be read and return the exit status."""
    given = GivenTexts.from_args(args, args.output)
    if args.output:
        check_destination(args.output, given.names)
    form = _format(args.format, args.output, args.excel)
    classifier = model_choice(args).open()
    with closing(given.scored(classifier)) as scored:
        first = next(scored, None)
        if first is None:
            return FAILED
        with destination(args.output, given.names) as out:
            rest = chain([first], scored)
            _write(form, rest, out, args.min_confidence, args.color, several=given.are_many, excel=args.excel)
    return given.status(args.output)


def _format(chosen: str | None, output: Path | None, excel: bool) -> str:
    """Return the format of the output.

    Raises:
        CertaintyError: If the ending of the output, `--format` and `--excel` contradict each other.
    """
    form = chosen or ("csv" if excel else "table")
    if output:
        form = output_format(output, chosen, ENDINGS, default=form)
    if excel and form != "csv":
        raise CertaintyError(f"--excel writes CSV, not {form}; leave one of the two out.")
    return form


def _write(
    form: str,
    scored: Iterable[tuple[str, Document]],
    out: TextIO,
    least: float | None,
    color: str,
    several: bool,
    excel: bool,
) -> None:
    """Write scored texts in a format; labels less probable than `least` are shown as undecided."""
    if form == "html":
        from certainty.views.html import render_page

        titles, documents = zip(*scored, strict=True)
        out.write(render_page(documents, titles, least))
    elif form == "text":
        from certainty.views.terminal import write_marked_text, write_text

        (write_text if _in_colour(color, out) else write_marked_text)(scored, out, least)
    elif form == "table" and _in_colour(color, out):
        from certainty.views.table import write_table

        write_table(scored, out, least)
    elif form == "table":
        from certainty.views.plain import write_plain

        write_plain(scored, out, least)
    else:
        from certainty.views.records import write_csv, write_json, write_jsonl

        if form == "json":
            write_json(scored, out, several, least)
        elif form == "csv":
            write_csv(scored, out, least, excel=excel)
        else:
            write_jsonl(scored, out, least)


def _in_colour(choice: str, out: TextIO) -> bool:
    if choice != "auto":
        return choice == "always"
    # https://no-color.org: set and not empty
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
