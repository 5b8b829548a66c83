"""The options `--text-column` and `--label-column` of commands that read labelled rows."""

from __future__ import annotations

from typing import Any

from certainty.labelled import Columns


def add_columns(parser: Any) -> None:
    """Declare `--text-column` and `--label-column`, which apply to all labelled rows that the command reads."""
    standard = Columns()
    for option, content, default in (
        ("--text-column", "texts", standard.text),
        ("--label-column", "labels", standard.label),
    ):
        parser.add_argument(
            option,
            metavar="NAME",
            default=default,
            help=f"column of the labelled rows that holds the {content} (default: %(default)s)",
        )
