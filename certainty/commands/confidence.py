"""The option that shows claims of low probability as undecided."""

from __future__ import annotations

import argparse

from certainty.errors import CertaintyError
from certainty.results import checked_probability


def add_confidence_argument(parser: argparse.ArgumentParser, effect: str = "") -> None:
    """Declare `--min-confidence`; `effect` ends its help."""
    parser.add_argument(
        "--min-confidence",
        metavar="P",
        type=probability,
        help=f"show claims whose label has a probability under P, from 0 to 1, as undecided{effect}",
    )


def probability(given: str) -> float:
    """Return the value of an option as a probability, for argparse."""
    try:
        value: object = float(given)
    except ValueError:
        value = given
    try:
        return checked_probability(value, "it")
    except CertaintyError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
