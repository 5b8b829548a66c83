"""`certainty archive summary`: the first questions about a scored archive."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from certainty.commands.help import HelpFormatter
from certainty.writing import check_output, write_whole

NAME = "archive-summary"
"""Name of the command; `certainty.cli` also accepts it as two words."""


def add_parser(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        NAME,
        prog="certainty archive summary",
        help="answer the first questions about a scored archive; also `certainty archive summary`",
        description="Show the labels of a scored archive by month and by any column that it has kept, the most hedged "
        "documents, who denies most, and who is denied.",
        epilog="examples:\n"
        "  certainty archive summary scored\n"
        "  certainty archive summary scored --by month source section --html summary.html\n"
        "  certainty archive summary scored --by source --format json > summary.json",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the --output of `certainty archive`")
    parser.add_argument("--date-column", metavar="NAME", help="column with dates, for the labels by month (`date`)")
    parser.add_argument(
        "--by",
        nargs="+",
        default=[],
        metavar="NAME",
        help="columns whose values are told apart, such as source and section; also month, file and id",
    )
    parser.add_argument("--top", metavar="N", type=int, default=20, help="rows of a ranking (default: %(default)s)")
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: %(default)s")
    parser.add_argument("--html", metavar="FILE", type=Path, help="also write a page with plots")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the summary and return the exit status."""
    from certainty.archive import summarise

    if args.html:
        check_output(args.html)
    summary = summarise(args.folder, date_column=args.date_column, by=args.by, top=args.top)
    if args.html:
        write_whole(args.html, summary.to_html())
    print(json.dumps(summary.to_dict(), ensure_ascii=False, indent=1) if args.format == "json" else summary)
    return 0
