"""The options `--text-column`, `--label-column` and `--annotator-column` of commands that read labelled rows."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from certainty.commands.label_names import own_names
from certainty.label_names import LabelNames
from certainty.labelled import Columns, LabelledSentence, read_labelled


@dataclass(frozen=True)
class Reader:
    """Reads labelled rows with the user's names of columns and labels.

    Attributes:
        columns: The names of the columns.
        label_names: Other names for labels; call `warn_if_unmet` after the last file.
    """

    columns: Columns
    label_names: LabelNames

    def __call__(self, files: str | os.PathLike[str] | Sequence[str]) -> list[LabelledSentence]:
        """Return the rows of one or more files; see `certainty.labelled.read_labelled`."""
        text, label, annotator = self.columns
        return read_labelled(files, self.label_names, text_column=text, label_column=label, annotator_column=annotator)


def add_columns(parser: Any, annotators: bool = False) -> None:
    """Declare `--text-column` and `--label-column`, which apply to all labelled rows that the command reads.

    Args:
        parser: The parser of the command.
        annotators: Whether to declare `--annotator-column`, too.
    """
    standard = Columns()
    for option, content, default in (
        ("--text-column", "texts", standard.text),
        ("--label-column", "labels", standard.label),
        *([("--annotator-column", "names of the annotators", standard.annotator)] if annotators else []),
    ):
        parser.add_argument(
            option,
            metavar="NAME",
            default=default,
            help=f"column of the labelled rows that holds the {content} (default: %(default)s)",
        )


def reader(args: argparse.Namespace) -> Reader:
    """Return what reads the rows as `--map` and these options say.

    Raises:
        CertaintyError: A name stands for two labels.
    """
    annotator = getattr(args, "annotator_column", Columns().annotator)
    return Reader(Columns(args.text_column, args.label_column, annotator), own_names(args.map))
