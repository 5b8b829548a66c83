"""What the parsers of the actions share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from certainty.commands.help import HelpFormatter
from certainty.spreadsheets import EXCEL_HELP

TOOLS = ("label-studio", "doccano", "argilla", "prodigy")
"""The annotation tools; each is a module of `certainty.labelling`, not imported only to declare the command."""


def add_action(actions: Any, name: str, summary: str, description: str, *examples: str) -> Any:
    """Declare an action and return its parser."""
    return actions.add_parser(
        name,
        help=summary,
        description=description,
        epilog="\n  ".join(("example:" if len(examples) == 1 else "examples:", *examples)),
        formatter_class=HelpFormatter,
    )


def add_output(parser: Any, text: str, required: bool = False) -> None:
    """Declare `--output`."""
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=required, help=text)


def add_excel(parser: Any) -> None:
    """Declare `--excel`."""
    parser.add_argument("--excel", action="store_true", help=EXCEL_HELP)


def add_model(parser: Any) -> None:
    """Declare `--model`."""
    parser.add_argument("--model", metavar="FOLDER", help="folder of the model (default: the one that is shipped)")


def add_encoding(parser: Any) -> None:
    """Declare `--encoding`."""
    parser.add_argument("--encoding", metavar="NAME", help="encoding of raw texts (default: detected)")
