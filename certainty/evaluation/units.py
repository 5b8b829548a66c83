"""The independent units of a data set: rows of a document, a group or with one text are resampled and swapped together.

Rows of a document resemble each other, and a repeated sentence gets the same answer each time, so that intervals and
p-values from resampled rows would be too narrow (cluster bootstrap: Field and Welsh 2007, "Bootstrapping clustered
data").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from certainty.errors import CertaintyError
from certainty.evaluation.leakage import text_key
from certainty.labelled import LabelledSentence

__all__ = ["column_values", "columns_of", "expanded", "linked", "part_of", "units_of", "values_of"]

_ATTRIBUTES = {name: name for name in ("corpus", "annotator", "attributed", "claim", "doubtful", "id")}
_ATTRIBUTES |= {"quad": "group"}


def columns_of(sentences: Sequence[LabelledSentence]) -> list[str]:
    """Return the names that `values_of` knows: those of attributes, and those of the other columns of the data."""
    return list(dict.fromkeys([*_ATTRIBUTES, *sorted({name for s in sentences for name in s.columns})]))


def values_of(sentences: Sequence[LabelledSentence], column: str) -> list[str]:
    """Return the value of a column for each sentence, or "" if it has none; a name of `columns_of` or another one."""
    if column not in _ATTRIBUTES or any(column in sentence.columns for sentence in sentences):
        return [sentence.columns.get(column, "") for sentence in sentences]
    given = [getattr(sentence, _ATTRIBUTES[column]) for sentence in sentences]
    return ["" if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in given]


def column_values(sentences: Sequence[LabelledSentence], column: str, purpose: str = "to slice by") -> list[str]:
    """Return the value of a column for each sentence, or "" if it has none.

    Args:
        sentences: The sentences.
        column: An attribute of `LabelledSentence`, `quad`, or another column of the data.
        purpose: What the column is for, in the error.

    Raises:
        CertaintyError: the data has no such column.
    """
    if column not in (known := columns_of(sentences)):
        raise CertaintyError(f"the data has no column {column!r} {purpose}. Allowed: {', '.join(known)}.")
    return values_of(sentences, column)


def units_of(sentences: Sequence[LabelledSentence], group_by: str | None = None) -> NDArray[np.int64] | None:
    """Return the number of the unit of each sentence, shape (n,), or None if each is a unit of its own.

    Args:
        sentences: The sentences.
        group_by: The column whose values are units, such as a document. Rows of one `quad` belong together as well, so
            that a `quad` in two documents makes one unit of them, and so do rows without such a value that have the
            same text (see `certainty.evaluation.leakage.text_key`), such as those of two annotators. A formula that
            every document repeats does not make one unit of all documents.
    """
    columns = [values_of(sentences, column) for column in ("quad", group_by) if column]
    groups = columns[1] if group_by else [""] * len(sentences)
    texts = ["" if group else text_key(s.text) for s, group in zip(sentences, groups, strict=True)]
    units = linked(*columns, texts)
    return None if len(np.unique(units)) == len(units) else units


def linked(*columns: Sequence[str], pairs: Iterable[tuple[int, int]] = ()) -> NDArray[np.int64]:
    """Return the number of the set of each row, shape (n,): the connected components, numbered from 0 by first row.

    Args:
        columns: Values of one or more columns, each of length n; rows with the same value are linked, unless it is "".
        pairs: Rows that are linked besides.
    """
    n = len(columns[0])
    links = list(pairs)
    for values in columns:
        first: dict[str, int] = {}
        links += [(first.setdefault(value, row), row) for row, value in enumerate(values) if value]
    if not links:
        return np.arange(n)
    rows, others = np.array(links).T
    graph = coo_array((np.ones(len(links)), (rows, others)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def part_of(units: NDArray[np.int64] | None, rows: NDArray[np.integer] | NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Return the units of some of the rows, by index or mask, numbered anew; None if each is a unit of its own."""
    if units is None:
        return None
    kept, numbers = np.unique(units[rows], return_inverse=True)
    return None if len(kept) == len(numbers) else numbers.astype(np.int64)


def expanded(weights: NDArray[np.floating], units: NDArray[np.int64] | None) -> NDArray[np.floating]:
    """Return the weight of each row, shape (..., n), from that of each unit, shape (..., units)."""
    return weights if units is None else weights[..., units]
