"""The option `--map`, which translates a user's names of the labels."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from certainty.errors import CertaintyError
from certainty.label_names import LabelNames
from certainty.labels import Label


def add_label_names(parser: Any) -> None:
    """Declare `--map`; its value is a list of pairs of a name and a label."""
    parser.add_argument(
        "--map",
        nargs="+",
        action="extend",
        default=[],
        type=_pair,
        metavar="NAME=LABEL",
        help="what your names of labels stand for, such as rumeur=probable opinion=personal_opinion, in any case",
    )


def label_names(pairs: Sequence[tuple[str, Label]]) -> dict[str, Label]:
    """Return the value of `--map` as a dictionary.

    Raises:
        CertaintyError: A name stands for two labels.
    """
    names: dict[str, Label] = {}
    for name, label in pairs:
        if names.setdefault(name, label) is not label:
            raise CertaintyError(f"--map: {name!r} stands for {names[name].value} and {label.value}; choose one.")
    return names


def own_names(pairs: Sequence[tuple[str, Label]]) -> LabelNames:
    """Return the value of `--map` for data that is read in several steps; call `warn_if_unmet` after the last.

    Raises:
        CertaintyError: A name stands for two labels.
    """
    return LabelNames(label_names(pairs))


def _pair(given: str) -> tuple[str, Label]:
    name, equals, label = given.rpartition("=")
    if not (name.strip() and equals):
        raise argparse.ArgumentTypeError(f"it is {given!r}; write NAME=LABEL, such as rumeur=probable")
    try:
        return name.strip(), Label.parse(label)
    except CertaintyError as error:
        raise argparse.ArgumentTypeError(f"{given!r}: {error}") from None
