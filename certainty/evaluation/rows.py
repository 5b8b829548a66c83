"""Held-out data in any form: paths, rows, a DataFrame or a `datasets.Dataset`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from certainty.errors import CertaintyError
from certainty.labelled import LabelledSentence, _json_rows, _parse, read_labelled


def labelled(data: Any) -> list[LabelledSentence]:
    """Return the labelled sentences of data in any form.

    Raises:
        CertaintyError: it cannot be read, or a row is wrong; the message names place, value and mend.
    """
    if isinstance(data, (str, os.PathLike)):
        return read_labelled(Path(data))
    items = list(_items(data))
    if items and all(isinstance(item, (str, os.PathLike)) for item in items):
        return read_labelled(items)
    return [
        item if isinstance(item, LabelledSentence) else _parse(_row(item, n), f"row {n}")
        for n, item in enumerate(items)
    ]


def raw_rows(data: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the place and the mapping of each row of a JSON Lines file, or of rows in memory.

    Raises:
        CertaintyError: it cannot be read.
    """
    if isinstance(data, (str, os.PathLike)):
        path = Path(data)
        if not path.is_file():
            raise CertaintyError(f"{path}: {'is a directory, not a file' if path.is_dir() else 'no such file'}.")
        yield from ((f"{path}, line {number}", row) for number, row in _json_rows(path))
    else:
        yield from ((f"row {n}", _row(item, n)) for n, item in enumerate(_items(data)))


def _items(data: Any) -> Iterable[Any]:
    if hasattr(data, "iloc"):  # a pandas DataFrame
        known = data.astype(object).where(data.notna(), None)
        return list(known.to_dict("records"))
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        raise CertaintyError(
            f"the data is a {type(data).__name__}; give a path, a list of rows, a DataFrame or a Dataset."
        )
    return data


def _row(item: Any, number: int) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise CertaintyError(f"row {number} is a {type(item).__name__}; give a mapping with `text` and `label`.")
    return dict(item)
