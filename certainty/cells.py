"""Check and convert the values of a labelled row. Each function takes the place of the value, for messages."""

from __future__ import annotations

import json
from typing import Any

from certainty.errors import CertaintyError
from certainty.label_names import LabelNames
from certainty.labels import Label

_BOOLEANS = {
    # French spreadsheets write VRAI and FAUX; pandas turns booleans with missing values into floats.
    **dict.fromkeys(("true", "1", "1.0", "1,0", "vrai", "yes", "oui"), True),
    **dict.fromkeys(("false", "0", "0.0", "0,0", "faux", "no", "non"), False),
}


class UnknownLabelError(CertaintyError):
    """A row has a label that is none."""


def is_missing(value: Any) -> bool:
    """Return whether a value is empty: None, blank text, or what a library has for a missing value."""
    if value is None or isinstance(value, str):
        return not (value and value.strip())
    if hasattr(value, "__len__"):
        return False
    try:
        return bool(value != value)  # NaN and NaT, of any library
    except (TypeError, ArithmeticError):  # pandas.NA, which has no truth, and the signalling NaN of decimals
        return True


def plain(value: Any) -> Any:
    """Return the scalar of an array without dimensions, as in `Dataset.with_format("torch")`; else the value."""
    return value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "__len__") else value


def as_text(value: Any) -> str:
    """Return a value as text, "" if it is missing."""
    return "" if is_missing(value) else str(value)


def as_label(value: Any, where: str, allowed: tuple[Label, ...], names: LabelNames) -> Label | None:
    """Return the label, or None if it is missing.

    Raises:
        UnknownLabelError: it is none of the allowed ones, by no name.
    """
    if is_missing(value):
        return None
    try:
        return names.parse(value, allowed)
    except CertaintyError as error:
        raise UnknownLabelError(f"{where}: {error}") from None


def as_boolean(value: Any, where: str) -> bool | None:
    """Return true or false as spreadsheets and pandas write them, or None if it is missing.

    Raises:
        CertaintyError: it is neither.
    """
    if is_missing(value):
        return None
    known = _BOOLEANS.get(str(value).strip().lower())
    if known is None:
        raise CertaintyError(f"{where} is {value!r}; write true or false.")
    return known


def contrast_group(value: Any, where: str) -> int | None:
    """Return the number in a column `quad`, or None if it is empty.

    Raises:
        CertaintyError: it is no whole number.
    """
    if is_missing(value):
        return None
    try:
        number = float(str(value).replace(",", "."))  # French spreadsheets write "3,0"
        if number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise CertaintyError(f"{where} is {value!r}; write a whole number, the same for all sentences of a group.")


def as_spans(value: Any, text: str, where: str) -> tuple[tuple[int, int], ...] | None:
    """Return spans of characters of a text, given as a list or as JSON, or None if they are missing.

    Raises:
        CertaintyError: they are something else, or lie outside the text.
    """
    if is_missing(value):
        return None
    try:
        spans = json.loads(value) if isinstance(value, str) else value
        found = tuple((_offset(start), _offset(end)) for start, end in spans)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise CertaintyError(
            f"{where} is {repr(value)[:60]}; write a list of [start, end] character offsets."
        ) from None
    for start, end in found:
        if not 0 <= start < end <= len(text):
            raise CertaintyError(f"{where}: [{start}, {end}] lies outside the text of {len(text)} characters.")
    return found


def _offset(value: Any) -> int:
    """Return a whole number, which may be of numpy or torch, or written as 2.0; a ValueError for anything else."""
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, bool) or not isinstance(number, (int, float)) or int(number) != number:
        raise ValueError(f"{number!r} is no whole number")
    return int(number)
