"""The rows, or the files of rows, that a caller gives: of any library, each with its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from certainty.cells import is_missing
from certainty.errors import CertaintyError


def given_rows(data: Any, label_column: str) -> Iterator[tuple[str, Any]]:
    """Yield the paths, mappings and other objects in data, each with a name for messages.

    Args:
        data: See `certainty.labelled.read_labelled`.
        label_column: Column that holds the labels, which a `datasets.Dataset` may have as numbers.

    Raises:
        CertaintyError: the data are no rows.
    """
    if isinstance(data, (str, os.PathLike)):
        yield str(data), data
    elif getattr(data, "ndim", 2) != 2 or hasattr(type(data), "to_frame"):  # a Series of pandas or polars
        raise _one_column(data)
    elif hasattr(data, "iloc"):  # pandas
        if not data.columns.is_unique:
            repeated = data.columns[data.columns.duplicated()][0]
            raise CertaintyError(f"column {repeated!r} appears twice in the DataFrame; rename or drop one.")
        known = data.astype(object).where(data.notna(), None)
        yield from (
            (f"row {index!r} of the DataFrame", row)
            for index, row in zip(known.index.tolist(), known.to_dict("records"), strict=True)
        )
    elif hasattr(data, "iter_rows"):  # polars
        yield from ((f"row {n} of the DataFrame", row) for n, row in enumerate(data.iter_rows(named=True)))
    elif isinstance(data, Mapping):
        raise CertaintyError(
            f"expected rows, found a {type(data).__name__} with the keys {', '.join(map(str, data)) or '(none)'}; give "
            "one of its values, or a list of rows."
        )
    elif isinstance(data, Iterable):
        features = getattr(data, "features", None) or {}
        if not isinstance(features, Mapping):  # of a `Column` of datasets, it is the type
            raise _one_column(data)
        names = {  # methods of `datasets.ClassLabel`
            column: features[column].int2str
            for column in (label_column, "second")
            if hasattr(features.get(column), "int2str")
        }
        for n, item in enumerate(data):
            yield f"row {n}", _row(item, names)
    else:
        raise CertaintyError(f"expected paths or rows, found {type(data).__name__}.")


def _one_column(data: Any) -> CertaintyError:
    return CertaintyError(
        f"expected rows, found a {type(data).__name__}, which is one column; give a DataFrame or a Dataset."
    )


def _row(item: Any, class_names: Mapping[str, Callable[[int], str]]) -> Any:
    if not (isinstance(item, Mapping) and class_names):
        return item
    given = {column: item[column] for column in class_names if not is_missing(item.get(column))}
    # There, -1 means "no label"; with the format "numpy" or "torch", numbers are scalars of these libraries.
    return {**item, **{c: None if int(n) < 0 else class_names[c](int(n)) for c, n in given.items()}}
